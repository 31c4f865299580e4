/** Asking a gateway by GraphQL. */
import * as v from 'valibot'
import { below, json, request, type Service, trouble } from './service.ts'

/** An attempt. Fails with `unavailable`, also where the answer is of another shape. @param base with or without `/graphql` at its end */
export async function askGraphql<T>(
  service: Service,
  base: string,
  { query, variables, signal }: { query: string; variables: object; signal: AbortSignal },
  schema: v.GenericSchema<unknown, T>,
): Promise<T> {
  const response = await request(service, endpointOf(base), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
    signal,
  })
  if (response.status !== 200) throw await trouble(service, response)
  return (await json(service, response, v.object({ data: schema }))).data
}

/** Operators write the endpoint itself, too. */
function endpointOf(base: string): URL {
  const url = below(base, 'graphql')
  url.pathname = url.pathname.replace(/\/graphql\/graphql$/, '/graphql')
  return url
}
