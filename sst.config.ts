/// <reference path="./.sst/platform/config.d.ts" />

/** What `sst` reads. It takes no imports at the top of this file; what is deployed is in infra/sst/stack.ts. */
export default $config({
  async app({ stage }) {
    const { appName, choices } = await import('./infra/settings.ts')
    const { isProtected, settingsOf } = await import('./infra/stage.ts')
    const settings = settingsOf(stage, choices)
    return {
      name: appName,
      home: 'aws',
      // Tables and bucket stay where they are when a kept stage is removed.
      removal: settings.kept ? 'retain' : 'remove',
      protect: isProtected(settings),
      providers: { aws: { region: settings.regions[0], version: '7.20.0' }, random: '4.16.6' },
    }
  },
  async run() {
    const { choices } = await import('./infra/settings.ts')
    const { settingsOf } = await import('./infra/stage.ts')
    const { createStack } = await import('./infra/sst/stack.ts')
    return createStack(settingsOf($app.stage, choices))
  },
})
