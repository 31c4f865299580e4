/** Hands a raw data item to a service that takes such: the bundler, the cache. */

/** Rejects when nothing answers in time. @param timeoutMs until the answer's head is there */
export const postItem = (endpoint: URL, raw: Buffer, timeoutMs: number): Promise<Response> =>
  fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: raw,
    // Followed, a 301 would become a GET, and its 200 would say nothing about the item.
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  })
