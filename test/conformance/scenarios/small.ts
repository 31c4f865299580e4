/** The profiles that differ from the main one by one switch each. */
import { A, type Ask, assign, B, get, type ItemName, nobody, postItem, schedule, txs } from '../world.ts'

/** A and B, and twelve messages to A. */
async function fill(ask: Ask): Promise<void> {
  await ask('spawn A', postItem('procA'))
  await ask('spawn B', postItem('procB'))
  for (let number = 1; number <= 12; number++) {
    await ask(`message ${number} to A`, postItem(`msg${number}` as ItemName))
  }
}

/** ENABLE_PROCESS_ASSIGNMENT=false: a process has no assignment, and its first message has nonce 0. */
export async function withoutProcessAssignment(ask: Ask): Promise<void> {
  await fill(ask)
  await ask('schedule', schedule(A))
  await ask('schedule of a process without messages', schedule(B))
  for (const parameters of [
    ['from-nonce=-1'],
    ['from-nonce=0'],
    ['limit=1'],
    ['limit=3'],
    ['from-nonce=3', 'to-nonce=5'],
    ['from-nonce=3', 'limit=2'],
  ]) {
    await ask(`schedule &${parameters.join('&')}`, schedule(A, ...parameters))
  }
  await ask('process', get(`/processes/${A}`))
  await ask('latest', get(`/${A}/latest`))
  await ask('latest of a process without messages', get(`/${B}/latest`))
  await ask('assign, base layer', assign(B, txs.base.id, '&base-layer'))
  await ask('schedule of B', schedule(B))
}

/** ENABLE_MESSAGE_MAX_SIZE=true MAX_MESSAGE_SIZE_BYTES=2000 MAX_SIZE_OWNER_WHITELIST=(bob) */
export async function maxSize(ask: Ask): Promise<void> {
  await fill(ask)
  await ask('a large message', postItem('msg100k'))
  await ask('a message of many tags', postItem('msgManyTags'))
  await ask('a pushed message of a listed owner', postItem('msgPushed'))
  await ask('an assignment', assign(A, txs.base.id, '&base-layer'))
}

/** PROCESS_WHITELIST_URL: A may be written, B only read, and nothing else is there. */
export async function whitelist(ask: Ask): Promise<void> {
  await ask('spawn A', postItem('procA'))
  await ask('message to A', postItem('msg1'))
  await ask('message to B', postItem('msgB1'))
  await ask('read A', schedule(A))
  await ask('read a refused process', schedule(nobody))
  await ask('process, refused', get(`/processes/${nobody}`))
  await ask('latest, refused', get(`/${nobody}/latest`))
  await ask('info', get('/'))
}
