/**
 * A router in front of two units, the second with the wallet of `procEth` in its `wallets_to_route`. Redirects are judged, and
 * not followed: the units never see what is sent to them, but for the assignment.
 */
import {
  A,
  type Ask,
  assign,
  get,
  type ItemName,
  id,
  nobody,
  postBytes,
  postItem,
  record,
  schedule,
  txs,
} from '../world.ts'

export async function router(ask: Ask): Promise<void> {
  await ask('info without a process', get('/'))
  await ask('info of an unknown process', get(`/?process-id=${A}`))
  await ask('timestamp of an unknown process', get(`/timestamp?process-id=${A}`))
  await ask('timestamp without a process', get('/timestamp'))
  await ask('message to an unknown process', postItem('msg1'))
  await ask('spawn A', postItem('procA'))
  await ask('spawn B', postItem('procB'))
  await ask('spawn by a pinned wallet', postItem('procEth'))
  const processes: ItemName[] = ['procAnchor', 'procEmptyData', 'procOnBootData', 'procLowercase', 'procNoModule']
  for (const name of processes) await ask(`spawn ${name}`, postItem(name))
  await ask('message to A', postItem('msg1'))
  await ask('message to B', postItem('msgB1', '/?x=1'))
  await ask('message with a bad signature', postItem('msgBadSignature'))
  await ask('message without a type', postItem('msgNoType'))
  await ask('message of another type', postItem('msgBadType'))
  await ask('garbage', postBytes(Buffer.from('hello')))
  await ask('assign', assign(A, txs.base.id, '&base-layer'))
  await ask('assign to an unknown process', assign(nobody, txs.base.id))
  await ask('assign, only process-id', { method: 'POST', path: `/?process-id=${A}` })
  await ask('info of A', get(`/?process-id=${A}`))
  await ask('timestamp of A', get(`/timestamp?process-id=${A}`))
  await ask('schedule of A', schedule(A, 'limit=2', 'from-nonce=3'))
  await ask('schedule of A without process-id', get(`/${A}`))
  await ask('message of A', record(id('msg1'), A))
  await ask('process A', get(`/processes/${A}`))
  await ask('latest of A', get(`/${A}/latest`))
  await ask('process, unknown', get(`/processes/${nobody}`))
  await ask('schedule of A by proc-id', get(`/${A}?proc-id=${A}&limit=2`))
  await ask('spawn A again', postItem('procA'))
  await ask('health', get('/health'))
}
