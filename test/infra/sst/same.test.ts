/** A deploy of what is deployed already has nothing to do: the graph is the same every time. */
import { expect, it } from 'vitest'
import { textOf } from './graph.ts'

it('the same settings give the same graph, byte for byte', () => {
  expect(textOf('regionsAgain')).toBe(textOf('regions'))
})
