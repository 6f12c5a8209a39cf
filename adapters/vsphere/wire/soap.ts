import { child, type Element, escapeXml, parseXml } from '../../shared/xml.ts'

/** A managed object: what kind it is, and vCenter's name for it. */
export interface Ref {
  type: string
  id: string
}
/**
 * What goes into a request. An object's keys are elements in the order in which they are written, which has to be the
 * schema's; an array repeats its element; null and undefined are left out. `_type` is the `xsi:type`.
 */
export type Value =
  | string
  | number
  | boolean
  | Date
  | Ref
  | Value[]
  | null
  | undefined
  | { [element: string]: Value | undefined; _type?: string }

/** A reference, from its type in the schema and its id, e.g. `VirtualMachine` and `vm-17`. */
export const ref = (type: string, id: string): Ref => ({ type, id })
const isRef = (value: object): value is Ref => {
  const keys = Object.keys(value)
  return keys.length === 2 && keys[0] === 'type' && keys[1] === 'id' && typeof (value as Ref).type === 'string'
}

/** A value that the schema leaves open has to say what it is: an `extraConfig` value, a container's root. */
export const anyString = (text: string): Value => ({ _type: 'xsd:string', _text: text })

const encode = (name: string, value: Value): string => {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map((each) => encode(name, each)).join('')
  if (value instanceof Date) return `<${name}>${value.toISOString()}</${name}>`
  if (typeof value !== 'object') return `<${name}>${escapeXml(String(value))}</${name}>`
  if (isRef(value)) return `<${name} type="${escapeXml(value.type)}">${escapeXml(value.id)}</${name}>`
  const { _type, _text, ...elements } = value as Record<string, Value>
  const type = typeof _type === 'string' ? ` xsi:type="${_type}"` : ''
  const inside =
    typeof _text === 'string'
      ? escapeXml(_text)
      : Object.entries(elements)
          .map(([element, each]) => encode(element, each))
          .join('')
  return `<${name}${type}>${inside}</${name}>`
}

/** A request as vCenter reads it. `cookie` goes into the header for the services that ask for it there. */
export const envelope = (
  namespace: string,
  method: string,
  self: Ref,
  parameters: Record<string, Value>,
  cookie?: string,
): string =>
  `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">${
    cookie === undefined
      ? ''
      : `<soapenv:Header><vcSessionCookie>${escapeXml(cookie)}</vcSessionCookie></soapenv:Header>`
  }<soapenv:Body><${method} xmlns="${namespace}">${encode('_this', self)}${Object.entries(parameters)
    .map(([name, value]) => encode(name, value))
    .join('')}</${method}></soapenv:Body></soapenv:Envelope>`

/** A refusal: the fault's type is what counts, its words are for operators. */
export interface Fault {
  type: string
  message: string
  detail?: Element
}

/** The response element, or the fault. @throws SyntaxError on what is neither */
export const open = (text: string): { answer: Element } | { fault: Fault } => {
  const body = child(parseXml(text), 'Body')
  const [answer] = body?.children ?? []
  if (!answer) throw new SyntaxError('the answer has no body')
  if (answer.name !== 'Fault') return { answer }
  const detail = child(answer, 'detail')?.children[0]
  const message = child(answer, 'faultstring')?.text ?? ''
  return { fault: { type: faultType(detail), message, ...(detail ? { detail } : {}) } }
}

/** `<NotAuthenticatedFault xsi:type="NotAuthenticated">`: some servers give only one of the two. */
const faultType = (detail: Element | undefined): string => detail?.xsiType ?? detail?.name.replace(/Fault$/, '') ?? ''

/** A managed object reference in an answer. */
export const asRef = (element: Element | undefined): Ref | undefined =>
  element?.text ? { type: element.attributes.get('type') ?? element.xsiType ?? '', id: element.text } : undefined

/** A part of an answer as it goes into a request again: with its types, its references and its order. */
export const repeated = (element: Element): Value => {
  const refersTo = element.attributes.get('type')
  if (refersTo !== undefined && element.text) return ref(refersTo, element.text)
  const type = element.xsiType
  // The schema's own types begin with a capital letter, those of XML Schema do not.
  const typed = type === undefined ? {} : { _type: /^[a-z]/.test(type) ? `xsd:${type}` : type }
  if (element.children.length === 0) return type === undefined ? element.text : { ...typed, _text: element.text }
  const inside = Map.groupBy(element.children, ({ name }) => name)
  return { ...Object.fromEntries([...inside].map(([name, parts]) => [name, parts.map(repeated)])), ...typed }
}
