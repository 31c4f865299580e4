/** The head of a streamed answer: a JSON prelude, eight zero bytes, then the body. */

export interface Prelude {
  statusCode: number
  headers: Record<string, string>
  cookies: string[]
}

/** The content type by which the runtime client says that a prelude comes first. */
export const preludeType = 'application/vnd.awslambda.http-integration-response'

const delimiter = Buffer.alloc(8)

export interface PreludeReader {
  /** Takes the next bytes; once the prelude is complete gives it, and what of the body came with it. */
  take(chunk: Buffer): { prelude: Prelude; rest: Buffer } | undefined
}

export const readPrelude = (): PreludeReader => {
  let bytes: Buffer = Buffer.alloc(0)
  return {
    take(chunk) {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf(delimiter)
      if (end < 0) return undefined
      const { statusCode = 200, headers = {}, cookies = [] } = JSON.parse(bytes.subarray(0, end).toString())
      return { prelude: { statusCode, headers, cookies }, rest: bytes.subarray(end + delimiter.length) }
    },
  }
}
