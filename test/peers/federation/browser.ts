/** A page of forms, and where it is. */
export interface Page {
  url: URL
  text: string
}

const MOST_PAGES = 30
const unescaped = (text: string): string =>
  text
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
const attribute = (tag: string, name: string): string | undefined => {
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`).exec(tag) ?? []
  return value === undefined ? undefined : unescaped(value)
}

/** The address and the fields of the first form of a page, as a script of it would send them; null for none. */
export const formOf = ({ url, text }: Page): { action: URL; fields: Record<string, string> } | null => {
  const [form] = /<form[\s\S]*?<\/form>/.exec(text) ?? []
  const [head] = /<form[^>]*>/.exec(form ?? '') ?? []
  if (!form || !head) return null
  const inputs = [...form.matchAll(/<input[^>]*>/g)].map(([tag]) => [attribute(tag, 'name'), attribute(tag, 'value')])
  const fields = Object.fromEntries(inputs.filter(([name]) => name).map(([name, value]) => [name, value ?? '']))
  return { action: new URL(attribute(head, 'action') ?? '', url), fields }
}

/** A browser of one person, who fills every form with what it asks for of `known`, until one leads outside, or there is none. */
export const browse = async (from: string, known: Record<string, string>, outside?: string): Promise<Page> => {
  const jar = new Map<string, Map<string, string>>()
  const go = async (url: URL, form?: URLSearchParams): Promise<Page> => {
    const cookies = jar.get(url.host) ?? new Map<string, string>()
    jar.set(url.host, cookies)
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: form } : {}),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (name) cookies.set(name, value ?? '')
    }
    const to = response.headers.get('location')
    const text = await response.text()
    if (to) return go(new URL(to, url))
    if (!response.ok) throw new Error(`${url.pathname} answers ${response.status}: ${text.slice(0, 500)}`)
    return { url, text }
  }
  let page = await go(new URL(from))
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const form = formOf(page)
    if (!form || (outside && form.action.href.startsWith(outside))) return page
    const filled = Object.entries(form.fields).map(([name, value]) => [name, value || (known[name] ?? '')])
    page = await go(form.action, new URLSearchParams(filled as [string, string][]))
  }
  throw new Error(`the forms of ${from} do not end`)
}
