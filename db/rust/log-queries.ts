/**
 * What is asked of a Rust unit's tables (`messages`, `processes`). Every question goes along one of their indices: the rows' numbers,
 * or process and nonce. `message_data` is never read: it repeats the bundle, rendered. Bounds are bigint, so that none is too large
 * to be asked for.
 */

const COLUMNS = `
  row_id as "row", process_id as process, message_id as message, assignment_id as assignment,
  epoch, nonce, "timestamp", coalesce(hash_chain, '') as "hashChain", coalesce(bundle, '') as bundle`

/**
 * The next messages by nonce, then row; the bound of nonces stands twice, since only the first one finds the place in the index. At most
 * $6, of which as many as together have $7 bytes, but one at least; `asked` says how many there were without the bytes' bound.
 * The length of a bundle is known without reading it.
 */
export const NEXT_MESSAGES = `
  select ${COLUMNS}, asked from (
    select *, row_number() over upwards as place, sum(coalesce(octet_length(bundle), 0)) over upwards as bytes, count(*) over () as asked
    from (
      select row_id, process_id, message_id, assignment_id, epoch, nonce, "timestamp", hash_chain, bundle from messages
      where process_id = $1 and row_id between $2::bigint and $3::bigint
        and nonce >= $4::bigint and (nonce > $4::bigint or row_id > $5::bigint)
      order by nonce, row_id limit $6
    ) following
    window upwards as (order by nonce, row_id rows unbounded preceding)
  ) planned
  where place = 1 or bytes <= $7::bigint order by nonce, row_id`

export const BEFORE = `
  select ${COLUMNS} from messages where process_id = $1 and nonce < $2::bigint order by messages.nonce desc, row_id limit 1`

export const LATEST_BEFORE = `
  select max("timestamp") as latest from messages where process_id = $1 and nonce < $2::bigint`

/** The first row, where a damaged source has several. */
export const PROCESS = `
  select row_id as "row", process_id as process, epoch, nonce, "timestamp", hash_chain as "hashChain",
    coalesce(bundle, '') as bundle
  from processes where process_id = $1 order by row_id limit 1`

export const EXTENT = `
  select count(*) as messages, count(distinct nonce) as nonces, min(nonce) as lowest, max(nonce) as highest
  from messages where process_id = $1`

export const MISSING = `
  select "from", nonce - 1 as "to" from (
    select nonce, coalesce(lag(nonce) over (order by nonce), $2::bigint - 1) + 1 as "from"
    from (select distinct nonce from messages where process_id = $1 and nonce >= $2::bigint) known
  ) steps
  where "from" < nonce order by nonce limit $3`

/** The doubled nonces first, out of the index alone: rows are looked up of these only. */
export const DOUBLED = `
  select nonce, array_agg(row_id order by row_id) as rows
  from messages join (
    select nonce from messages where process_id = $1 group by nonce having count(*) > 1 order by nonce limit $2
  ) doubled using (nonce)
  where process_id = $1 group by nonce order by nonce`

const WITH_MESSAGES = 'select distinct process_id from messages where row_id between $1::bigint and $2::bigint'

const WITHOUT_MESSAGES = `
  select process_id from processes where not exists (select from messages where messages.process_id = processes.process_id)`

/** From one process to the next by the index: a step each, however many messages they have. The bounds only have to stand there. */
const WITH_ANY_MESSAGES = `
  with recursive found as (
    (select process_id::text as process_id from messages order by messages.process_id limit 1)
    union all
    select (
      select next.process_id::text from messages next
      where next.process_id > found.process_id order by next.process_id limit 1
    ) from found where process_id is not null
  )
  select process_id from found where $1::bigint <= $2::bigint`

const IN_RANGE = {
  all: `${WITH_ANY_MESSAGES} union select process_id from processes`,
  open: `${WITH_MESSAGES} union ${WITHOUT_MESSAGES}`,
  bounded: WITH_MESSAGES,
} as const

/** `open`: from a row on. */
export type RangeKind = keyof typeof IN_RANGE

/** Ids of processes in the order of their bytes, at most $4 after $3: a pass through the range, or all processes, each time. */
export const idsIn = (kind: RangeKind): string => `
  select process_id as process from (${IN_RANGE[kind]}) known
  where process_id is not null and ($3::text is null or process_id collate "C" > $3)
  order by process_id collate "C" limit $4`

export const countOf = (kind: RangeKind): string => `
  select count(process_id) as processes from (${IN_RANGE[kind]}) known`

export const MESSAGES_IN = 'select count(*) as messages from messages where row_id between $1::bigint and $2::bigint'
