/** Trouble on purpose: answers of the gateway stand-in that a test wants to see handled. */

export interface Fault {
  /** Part of `METHOD /path`, such as `POST /tx/arweave`. */
  match: string
  /** The status to answer with; none: the request is served after the delay. */
  status?: number
  body?: string
  headers?: Record<string, string>
  /** ms before anything is answered */
  delayMs?: number
  /** The connection is cut instead of an answer. */
  cut?: boolean
  /** How many requests it meets; absent: all of them. */
  times?: number
}

export interface Faults {
  add(fault: Fault): void
  clear(): void
  /** Requests that a fault has met so far. */
  met(): number
  /** The fault that meets this request, counted down. */
  meet(request: string): Fault | undefined
}

export const openFaults = (): Faults => {
  let active: Fault[] = []
  let met = 0
  return {
    met: () => met,
    add(fault) {
      active.push({ ...fault })
    },
    clear() {
      active = []
    },
    meet(request) {
      const fault = active.find(({ match, times }) => request.includes(match) && times !== 0)
      if (fault) met++
      if (fault?.times !== undefined) fault.times--
      return fault
    },
  }
}
