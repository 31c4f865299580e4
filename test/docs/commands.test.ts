/** Every command that README and docs name exists, and takes the arguments that they give it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { choices } from '../../infra/settings.ts'
import { settingsOf } from '../../infra/stage.ts'
import { parseCall } from '../../operator/mig/arguments.ts'
import { readPlace } from '../../operator/place.ts'
import { help, run } from '../../operator/run.ts'
import { smokeOptionsOf } from '../../operator/smoke.ts'
import { closed } from '../operator/workplace.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const files = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
)
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

const ID = 'A'.repeat(43)
/** What a reader puts in the place of a word. */
const samples: Record<string, string> = {
  PROCESS: ID,
  $PROCESS: ID,
  ID,
  P: ID,
  P1: ID,
  P2: ID,
  ENV: '1',
  REGION: 'us-east-1',
  MS: '1000',
  N: '10',
  CURSOR: '10',
  ROW: '10',
  OLD: 'https://old.example',
  NEW: 'https://new.example',
}

/** A word as a reader types it: `--from=ENV`, `P1,P2`. */
const typed = (word: string): string =>
  word.replace('://…', '://su.example').replace(/\$?\b[A-Z]\w*\b/g, (name) => samples[name] ?? name)

/** As a shell takes a line apart; what follows is another command. */
function wordsOf(line: string): string[] {
  // What may be left out is given.
  const [command = ''] = line
    .replace(/\s#.*$/, '')
    .replaceAll(/[[\]]/g, '')
    .split(/\s(?:&&|\||<|>)\s|;/)
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)]
    .map(([, single, double, bare]) => single ?? double ?? typed(bare ?? ''))
    .filter((word) => word !== '…')
}

interface Named {
  file: string
  line: string
}

/** Lines of code blocks, and code in running text. */
function* codeIn(file: string): Generator<Named> {
  const blocks = read(file).split(/^ *```.*$/m)
  for (const [index, text] of blocks.entries()) {
    // Within a block a line may go on in the next.
    if (index % 2 === 1) for (const line of text.replaceAll(/\\\n/g, ' ').split('\n')) yield { file, line: line.trim() }
    else for (const [, code = ''] of text.matchAll(/`([^`]+)`/g)) yield { file, line: code.replaceAll(/\s+/g, ' ') }
  }
}

const code = files.flatMap((file) => [...codeIn(file)])
const starting = (pattern: RegExp): [string, Named][] =>
  code.flatMap((named) => {
    const [found] = pattern.exec(named.line) ?? []
    return found === undefined
      ? []
      : [[`${named.file}: ${named.line}`, { ...named, line: named.line.slice(named.line.indexOf(found)) }]]
  })

/** Whether the operator's command takes it: it then opens something, which fails here. */
async function accepts(args: readonly string[]): Promise<string> {
  const said: string[] = []
  const { rest } = readPlace(args)
  try {
    const exit = await run(rest, { ...closed, complain: (line) => said.push(line.split('\n')[0] ?? '') })
    return exit === 0 ? 'taken' : `${exit}: ${said.join(' ')}`
  } catch (error) {
    return error instanceof Error && error.message === 'opened' ? 'taken' : String(error)
  }
}

/** Names of the operator's commands, of which documents leave the beginning out: `restore complete`. */
const subcommands = new Set(
  [...help().matchAll(/^ {2}npm run su -- (\w+) ([a-z-]+)/gm)].map(([, command, sub]) => `${command} ${sub}`),
)
const first = new Set([...subcommands].map((pair) => pair.split(' ')[0]))

describe('scripts of npm', () => {
  it.each(starting(/\bnpm (run )?(-s )?[\w:-]+/))('%s', (_, { line }) => {
    const [, name = ''] = /^npm (?:run )?(?:-s )?([\w:-]+)/.exec(line) ?? []
    expect(Object.keys(scripts).concat('ci', 'install')).toContain(name)
  })
})

describe('the operator’s commands', () => {
  /** A command that is only named, without what it works on. */
  const isName = (line: string): boolean => /^\w+ [a-z|-]+$/.test(line)
  const full = starting(/npm run su -- .+/).map(
    ([title, { line }]) => [title, line.replace('npm run su -- ', '')] as const,
  )

  it.each(full.filter(([, line]) => !isName(line)))('%s', async (_, line) => {
    expect(await accepts(wordsOf(line))).toBe('taken')
  })

  const short = code.filter(({ line }) => first.has(line.split(' ')[0] ?? '') && /^\w+ [a-z]/.test(line))
  const names = [
    ...full.filter(([, line]) => isName(line)),
    ...short.map(({ file, line }) => [`${file}: ${line}`, line] as const),
  ]
  it.each(names)('%s', (_, line) => {
    const [command = '', sub = ''] = line.split(' ')
    for (const one of sub.split('|')) expect([...subcommands]).toContain(`${command} ${one}`)
  })
})

describe('the migration’s commands', () => {
  it.each(starting(/npm run mig -- .+/))('%s', (_, { line }) => {
    expect(() => parseCall(readPlace(wordsOf(line).slice(4)).rest)).not.toThrow()
  })
})

describe('the smoke script', () => {
  it.each(starting(/npm run smoke -- .+/))('%s', (_, { line }) => {
    expect(() => smokeOptionsOf(wordsOf(line).slice(4))).not.toThrow()
  })
})

describe('what sst is told', () => {
  const known = ['deploy', 'dev', 'diff', 'refresh', 'remove', 'secret set', 'secret list']
  it.each(starting(/npx sst .+/))('%s', (_, { line }) => {
    const [, , command = '', sub = ''] = wordsOf(line)
    expect(known).toContain(command === 'secret' ? `${command} ${sub}` : command)
  })
})

describe('settings', () => {
  const settings = Object.keys(settingsOf('prod', choices))
  const named = code.filter(({ file, line }) => file === 'docs/deploy.md' && /^[a-z]\w+: \S/.test(line))
  it.each(named.map((one) => [one.line, one] as const))('%s', (_, { line }) => {
    expect(settings).toContain(line.split(':')[0])
  })
})
