/**
 * What the sst command does before Pulumi: it bundles sst.config.ts with its globals, asks app(), and answers the questions that its own
 * components ask of it. As its sources have it (pkg/js/js.go, pkg/project/run.go, pkg/server).
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'

export const root = resolve(import.meta.dirname, '../../..')
const work = join(root, '.sst')
export const platform = join(work, 'platform')

/** What app() gave, as the components see it. */
export interface App {
  name: string
  stage: string
  removal: string
  protect: boolean
  home: string
  providers: Record<string, unknown>
}

const banner = `
import { createRequire as topLevelCreateRequire } from 'module';
const require = topLevelCreateRequire(import.meta.url);
import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"
const __filename = topLevelFileUrlToPath(import.meta.url)
const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))
`

interface BundleOptions {
  code: string
  outfile: string
  /** Before each file of ours: SST's and the providers' names are global there. */
  globals?: string
  banner?: string
  define?: Record<string, string>
  inject?: string[]
  /** A file in place of infra/settings.ts. */
  settings: string | undefined
}

export async function bundle({
  code,
  outfile,
  globals = '',
  define = {},
  inject = [],
  settings,
  ...rest
}: BundleOptions) {
  await build({
    stdin: { contents: code, resolveDir: root, sourcefile: 'eval.ts', loader: 'ts' },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    banner: { js: banner + (rest.banner ?? '') },
    nodePaths: [join(platform, 'node_modules')],
    external: [
      '@pulumi/*',
      'undici',
      '@pulumiverse/*',
      '@sst-provider/*',
      '@aws-sdk/*',
      'esbuild',
      'archiver',
      'glob',
      'vite',
    ],
    plugins: [noTopLevelImports(globals === ''), withSettings(settings), withoutBuilding, withGlobals(globals)],
    define,
    inject,
    logLevel: 'silent',
  })
}

const noTopLevelImports = (active: boolean): Plugin => ({
  name: 'no-top-level-imports',
  setup({ onResolve }) {
    if (!active) return
    onResolve({ filter: /.*/ }, ({ importer, kind }) =>
      basename(importer) === 'sst.config.ts' && kind === 'import-statement'
        ? { errors: [{ text: 'sst.config.ts must not have top-level imports' }] }
        : undefined,
    )
  },
})

const withSettings = (file: string | undefined): Plugin => ({
  name: 'settings',
  setup({ onResolve }) {
    if (file === undefined) return
    onResolve({ filter: /\/infra\/settings\.ts$/ }, () => ({ path: file }))
  },
})

/** setup.ts builds the bundles once for all graphs; the stack that is evaluated builds none. */
const withoutBuilding: Plugin = {
  name: 'without-building',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/bundles\.ts$/ }, ({ importer }) =>
      importer.endsWith('/infra/sst/stack.ts') ? { path: 'bundles', namespace: 'built' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'built' }, () => ({ contents: 'export const buildBundles = () => {}' }))
  },
}

const withGlobals = (globals: string): Plugin => ({
  name: 'globals',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) =>
      globals === '' || path.startsWith(work) || path.startsWith(import.meta.dirname)
        ? undefined
        : { contents: `${globals}\n${readFileSync(path, 'utf8')}`, loader: 'ts' },
    )
  },
})

/** The providers' and SST's global names. */
export function globalsOf(): string {
  const lock = JSON.parse(readFileSync(join(work, 'provider-lock.json'), 'utf8')) as {
    alias: string
    package: string
  }[]
  const providers = lock.map(({ alias, package: name }) => `import * as ${alias} from "${name}";`)
  return [...providers, `import * as sst from "${platform}/src/components";`].join(' ')
}

/** app() in a process of its own. */
export async function readApp(stage: string, settings: string | undefined): Promise<App> {
  const outfile = join(platform, `test.app.${process.pid}.mjs`)
  const config = JSON.stringify(join(root, 'sst.config.ts'))
  await bundle({
    outfile,
    settings,
    banner: 'function $config(input) { return input }',
    code: `import config from ${config}; process.stdout.write(JSON.stringify(await config.app({ stage: ${JSON.stringify(stage)} })))`,
  })
  try {
    const said = execFileSync(process.execPath, ['--no-warnings', outfile], { cwd: root, encoding: 'utf8' })
    return { removal: 'retain', protect: false, ...JSON.parse(said), stage } as App
  } finally {
    rmSync(outfile)
  }
}

/** What a component asks to be built or watched. */
export interface Target {
  functionID: string
  handler: string
  bundle?: string
  links: Record<string, unknown>
}

export interface Rpc {
  url: string
  /** Functions to be deployed. */
  builds: Target[]
  /** Functions that `sst dev` runs. */
  live: Target[]
  close(): void
}

/** The command's own server, as far as these components ask. */
export async function startRpc(): Promise<Rpc> {
  const builds: Target[] = []
  const live: Target[] = []
  const call = (method: string, params: Record<string, unknown>): unknown => {
    switch (method) {
      case 'Provider.Aws.Bootstrap':
        return { version: 99, asset: `sst-asset-${params.region}`, state: `sst-state-${params.region}` }
      case 'Provider.Aws.Appsync':
        return { http: 'appsync.example', realtime: 'realtime.example' }
      case 'Runtime.AddTarget':
        live.push(params as unknown as Target)
        return true
      case 'Runtime.Build':
        builds.push(params as unknown as Target)
        return builtOf(params as unknown as Target)
      default:
        throw new Error(`rpc: can't find service ${method}`)
    }
  }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const { method, params } = JSON.parse(body) as { method: string; params: [Record<string, unknown>] }
      try {
        response.end(JSON.stringify({ result: call(method, params[0]), error: null }))
      } catch (error) {
        response.end(JSON.stringify({ result: null, error: error instanceof Error ? error.message : String(error) }))
      }
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, builds, live, close: () => server.close() }
}

/** What is given as a built folder is taken as it is, if the handler's file is there. */
function builtOf({ bundle: folder, handler }: Target) {
  const file = folder && join(folder, handler.replace(/\.[^.]+$/, '.mjs'))
  const errors = file && existsSync(file) ? [] : [`Handler not found: ${handler} in ${folder}`]
  return { handler, out: folder, errors, sourcemaps: [] }
}
