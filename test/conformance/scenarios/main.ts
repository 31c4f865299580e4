/** The unit as public units run it: process assignment, deep-hash checks and metrics on. Each step builds on those before. */
import * as v from 'valibot'
import {
  A,
  type Answer,
  type Ask,
  assign,
  B,
  get,
  type ItemName,
  id,
  missing,
  nobody,
  postBytes,
  postItem,
  record,
  schedule,
  txs,
} from '../world.ts'

export async function main(ask: Ask): Promise<void> {
  await anEmptyUnit(ask)
  await spawns(ask)
  await messages(ask)
  await pages(ask, await ask('schedule of A', schedule(A)))
  await oddMessages(ask)
  await pushedMessages(ask)
  await assigns(ask)
  await theEnd(ask)
  await whatTheReferenceGetsWrong(ask)
}

async function anEmptyUnit(ask: Ask): Promise<void> {
  await ask('info', get('/'))
  await ask('timestamp', get('/timestamp'))
  await ask('health', get('/health'))
  await ask('latest of an unknown process', get(`/${A}/latest`))
  await ask('unknown process', get(`/processes/${A}`))
  await ask('schedule of an unknown process', schedule(A))
  await ask('message to a process not yet spawned', postItem('msgUnknownTarget'))
}

async function spawns(ask: Ask): Promise<void> {
  await ask('spawn A', postItem('procA'))
  await ask('latest of a process without messages', get(`/${A}/latest`))
  await ask('schedule of a process without messages', schedule(A))
  await ask('spawn B', postItem('procB'))
  const processes: ItemName[] = [
    'procAnchor',
    'procEmptyData',
    'procNoModule',
    'procNoScheduler',
    'procNoProtocol',
    'procLowercase',
    'procLowercaseAll',
    'procLink',
    'procLinkValue',
    'procOnBootData',
    'procOnBootTx',
    'procOnBootMissing',
    'procEth',
    'procTypedEth',
    'procSolana',
    'procSettle5',
    'procSettleBad',
  ]
  for (const name of processes) {
    await ask(`spawn ${name}`, postItem(name))
    await ask(`process ${name}`, get(`/processes/${id(name)}`))
    await ask(`schedule of ${name}`, schedule(id(name)))
  }
  await ask('spawn procEmptyData again', postItem('procEmptyData'))
  await ask('schedule after spawning twice', schedule(id('procEmptyData')))
  await ask('process A', get(`/processes/${A}`))
  await ask('process B', get(`/processes/${B}`))
  await ask('process by a message id', get(`/processes/${id('msg1')}`))
}

async function messages(ask: Ask): Promise<void> {
  for (let number = 1; number <= 12; number++) {
    await ask(`message ${number} to A`, postItem(`msg${number}` as ItemName))
  }
  for (const number of [1, 2, 3] as const) await ask(`message ${number} to B`, postItem(`msgB${number}`))
  await ask('message 1 to A again', postItem('msg1'))
  await ask('latest of A', get(`/${A}/latest`))
  await ask('a message by id', record(id('msg1'), A))
  await ask('a message by id, another process named', record(id('msg1'), B))
  await ask('a message by id, no process named', get(`/${id('msg1')}`))
  await ask('an unknown message', record(nobody, A))
  await ask('not an id', get('/favicon.ico'))
  await ask('not an id, process named', get(`/favicon.ico?process-id=${A}`))
}

const page = v.object({
  edges: v.array(
    v.object({
      node: v.object({
        assignment: v.object({ id: v.string(), tags: v.array(v.object({ name: v.string(), value: v.string() })) }),
      }),
    }),
  ),
})

async function pages(ask: Ask, whole: Answer): Promise<void> {
  const assignments = v.parse(page, whole.json).edges.map((edge) => edge.node.assignment)
  const time = (nonce: number) => assignments[nonce]?.tags.find(({ name }) => name === 'Timestamp')?.value
  const pageOf = (name: string, ...parameters: string[]) => ask(`schedule, ${name}`, schedule(A, ...parameters))

  await ask('a message by its assignment id', record(assignments[3]?.id ?? '', A))
  await ask('a process by its assignment id', record(assignments[0]?.id ?? '', A))
  for (const limit of ['1', '2', '5', '13', '14', '1000', '-1', 'ten', '99999999999']) {
    await pageOf(`limit=${limit}`, `limit=${limit}`)
  }
  await pageOf('from', `from=${time(3)}`)
  await pageOf('from the process', `from=${time(0)}`)
  await pageOf('to', `to=${time(3)}`)
  await pageOf('from and to', `from=${time(3)}`, `to=${time(6)}`)
  await pageOf('from after to', `from=${time(6)}`, `to=${time(3)}`)
  await pageOf('from 0', 'from=0')
  await pageOf('from the last', `from=${time(12)}`)
  await pageOf('from and limit', `from=${time(3)}`, 'limit=2')
  await pageOf('from is no number', 'from=yesterday')
  await pageOf('from is empty', 'from=')
  await pageOf('to is no number', 'to=tomorrow')
  for (const bounds of [
    ['from-nonce=-1', 'to-nonce=3'],
    ['from-nonce=0', 'to-nonce=3'],
    ['from-nonce=3', 'to-nonce=6'],
    ['from-nonce=3'],
    ['to-nonce=6'],
    ['from-nonce=12'],
    ['from-nonce=100'],
    ['from-nonce=-2'],
    ['from-nonce=6', 'to-nonce=3'],
    ['from-nonce=1.5'],
    ['from-nonce=99999999999'],
  ]) {
    await pageOf(bounds.join('&'), ...bounds)
    await pageOf([...bounds, 'limit=2'].join('&'), ...bounds, 'limit=2')
  }
  await pageOf('from-nonce and from', 'from-nonce=2', `from=${time(6)}`)
  await pageOf('show-anchor', 'show-anchor=1', 'limit=3')
  await pageOf('unknown parameter', 'colour=red', 'limit=1')
  // As HyperBEAM asks, as aoconnect asks, and as nobody should.
  const hyperBeam = `/${A}?proc-id=${A}&from-nonce=-1&to-nonce=2&limit=1000`
  await ask('schedule, proc-id instead of process-id', get(hyperBeam))
  await ask('schedule, no process-id', get(`/${A}?limit=2`))
  await ask('schedule, another process-id', get(`/${A}?process-id=${B}&limit=2`))
}

async function postAndRead(ask: Ask, name: ItemName): Promise<void> {
  await ask(`post ${name}`, postItem(name))
  await ask(`read ${name}`, record(id(name), A))
}

async function oddMessages(ask: Ask): Promise<void> {
  const names: ItemName[] = [
    'msgEmptyData',
    'msgAnchorUtf8',
    'msgAnchorBinary',
    'msgManyTags',
    'msg100k',
    'msgEth',
    'msgTypedEth',
    'msgSolana',
    'msgSolanaHex',
    'msgNoTarget',
    'msgNoType',
    'msgBadType',
    'msgNoProtocol',
    'msgOtherProtocol',
    'msgLowercase',
    'msgLink',
    'msgBadSignature',
    'msgTampered',
    'msgTruncated',
    'msgHeaderOnly',
    'msgBadSigType',
    'msgEthBadSignature',
  ]
  for (const name of names) await postAndRead(ask, name)
  await ask('post garbage', postBytes(Buffer.from('hello')))
  await ask('post nothing', postBytes(Buffer.alloc(0)))
  await ask('post 4 KB of 0xff', postBytes(Buffer.alloc(4096, 255)))
  await ask('post 11 MB', postBytes(Buffer.alloc(11 * 1024 * 1024, 1)))
}

async function pushedMessages(ask: Ask): Promise<void> {
  for (const name of [
    'msgPushed',
    'msgPushedAgain',
    'msgPushedReordered',
    'msgPushedOther',
    'msgUserTwice1',
    'msgUserTwice2',
  ] as const) {
    await ask(`post ${name}`, postItem(name))
  }
}

async function assigns(ask: Ask): Promise<void> {
  const onlyProcess = `/?process-id=${A}`
  await ask('assign, only process-id', { method: 'POST', path: onlyProcess })
  await ask('assign, only assign', { method: 'POST', path: `/?assign=${txs.base.id}` })
  await ask('assign, only process-id, with a message', postItem('msgB1', onlyProcess))
  const layer = '&base-layer'
  await ask('assign, base layer, too few confirmations', assign(A, txs.fresh.id, layer))
  const unsettled = assign(id('procSettleBad'), txs.fresh.id, layer)
  await ask('assign, base layer, settlement depth is no number', unsettled)
  await ask('assign, base layer, unknown tx', assign(A, missing, layer))
  await ask('assign, an ao message', assign(B, txs.ao.id))
  await ask('assign, the same ao message', assign(B, txs.ao.id))
  await ask('assign, an equal ao message', assign(B, txs.aoSame.id))
  await ask('assign, unknown tx', assign(A, missing))
  await ask('assign, short id', assign(A, 'short'))
  await ask('assign, unknown process', assign(nobody, txs.base.id, layer))
}

async function theEnd(ask: Ask): Promise<void> {
  await ask('whole schedule of A', schedule(A, 'from-nonce=-1', 'limit=1000'))
  await ask('whole schedule of B', schedule(B, 'from-nonce=-1', 'limit=1000'))
  await ask('latest of A at the end', get(`/${A}/latest`))
  await ask('latest of B at the end', get(`/${B}/latest`))
}

/** From here on the log differs from the reference's; `corrections.ts` says what is right. */
async function whatTheReferenceGetsWrong(ask: Ask): Promise<void> {
  await ask('read the assigned ao message', record(txs.ao.id, B))
  await postAndRead(ask, 'msgBinary')
  await postAndRead(ask, 'msgUtf8')
  const layer = '&base-layer'
  await ask('assign, base layer', assign(A, txs.base.id, layer))
  await ask('assign, base layer, again', assign(A, txs.base.id, layer))
  await ask('assign, base layer, to another process', assign(B, txs.base.id, layer))
  await ask('assign, base layer, own settlement depth', assign(id('procSettle5'), txs.fresh.id, layer))
  await ask('assign, base layer, exclude', assign(A, txs.base2.id, `${layer}&exclude=Data,Tags`))
  await ask('assign, base layer, exclude nothing', assign(A, txs.base3.id, `${layer}=&exclude=`))
  await ask('read the assigned tx', record(txs.base.id, A))
  await ask('schedule of A after the assignments', schedule(A, 'from-nonce=24', 'limit=1000'))
  await ask('schedule, limit=0', schedule(A, 'limit=0'))
  await ask('post 4 KB of zeros', postBytes(Buffer.alloc(4096)))
  const preflight = { origin: 'https://example.org', 'access-control-request-method': 'POST' }
  await ask('options', { method: 'OPTIONS', path: '/', headers: preflight })
  await ask('put', { method: 'PUT', path: '/' })
  await ask('delete', { method: 'DELETE', path: `/${A}` })
  await ask('metrics', get('/metrics'))
}
