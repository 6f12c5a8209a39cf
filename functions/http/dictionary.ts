import * as z from 'zod'

const PROTO = '__proto__'

/**
 * Keys of a stranger's choice with their values: `z.record`, but that keeps an own `__proto__` as it keeps any other
 * key. zod leaves it out, and what was sent would silently be less. Checks of the whole come around it, not after it.
 */
export const dictionary = <V>(
  key: z.ZodType<string, string>,
  value: z.ZodType<V>,
  params?: Parameters<typeof z.record>[2],
): z.ZodType<Record<string, V>> => {
  const record = z.record(key, value, params)
  const { parse } = record._zod
  const whole: typeof parse = (payload, context) => {
    const given = payload.value
    const parsed = parse(payload, context)
    if (parsed instanceof Promise || typeof given !== 'object' || given === null || !Object.hasOwn(given, PROTO))
      return parsed
    const name = key.safeParse(PROTO)
    const kept = value.safeParse((given as Record<string, unknown>)[PROTO])
    if (!name.success)
      parsed.issues.push({
        code: 'invalid_key',
        origin: 'record',
        issues: name.error.issues,
        input: PROTO,
        path: [PROTO],
      } as never)
    else if (!kept.success)
      parsed.issues.push(
        ...(kept.error.issues.map((issue) => ({ ...issue, input: given, path: [PROTO, ...issue.path] })) as never[]),
      )
    else
      Object.defineProperty(parsed.value, PROTO, {
        value: kept.data,
        enumerable: true,
        writable: true,
        configurable: true,
      })
    return parsed
  }
  record._zod.parse = whole
  record._zod.run = whole
  return record as unknown as z.ZodType<Record<string, V>>
}

/**
 * An object that keeps keys it does not know, an own `__proto__` among them: `z.looseObject` and `catchall` leave that
 * one out. For schemas without checks of the whole.
 */
export const openObject = <T extends z.ZodType>(schema: T): T => {
  const { parse } = schema._zod
  const whole: typeof parse = (payload, context) => {
    const given = payload.value
    const parsed = parse(payload, context)
    if (parsed instanceof Promise || parsed.issues.length || !Object.hasOwn(Object(given), PROTO)) return parsed
    Object.defineProperty(parsed.value, PROTO, {
      value: (given as Record<string, unknown>)[PROTO],
      enumerable: true,
      writable: true,
      configurable: true,
    })
    return parsed
  }
  schema._zod.parse = whole
  schema._zod.run = whole
  return schema
}
