/** Random tags and items, within what arbundles can take: its tags have 4096 bytes at most. */
import fc from 'fast-check'

/** Any text that UTF-8 can carry, with what usually goes wrong in it: NUL, U+FFFD, a byte-order mark, astral characters. */
export const text = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength }),
    fc.string({ maxLength }),
    fc.string({ unit: fc.constantFrom('\0', '\uFFFD', '\uFEFF', '\u{1F680}', '\uE000', 'a'), maxLength }),
  )

export const tag = fc.record({ name: text(40), value: text(90) })

// 6 tags of at most 130 characters of 4 bytes stay below 4096 bytes.
export const tags = fc.array(tag, { maxLength: 6 })

export const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

export const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array))

export const optional32 = fc.option(bytes32, { nil: undefined })

export const itemContent = fc.record({ target: optional32, anchor: optional32, tags, data: bytes(300) })
