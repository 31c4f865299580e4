/** A function calls itself: asynchronously, so that nobody waits. */

/** @param event as JSON */
export type CallOn = (functionName: string, event: string) => Promise<void>

/** A second Lambda event that comes from a first one; what calls itself on must see to it that it ends. Lambda's client is loaded when it is needed. */
export const callOn: CallOn = async (functionName, event) => {
  const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda')
  const client = new LambdaClient({ maxAttempts: 3 })
  try {
    await client.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload: event }))
  } finally {
    client.destroy()
  }
}
