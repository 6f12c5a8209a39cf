/** What a sweep and a create come down to: the fewest requests that do the same, with no answer read beyond what the next one needs. */
export class Bare {
  readonly #url: string
  readonly #fetch: typeof fetch
  #cookie = ''

  constructor(url: string, fetching: typeof fetch) {
    this.#url = `${url}/sdk`
    this.#fetch = fetching
  }

  async logIn(userName: string, password: string): Promise<void> {
    await this.#ask(
      'SessionManager',
      'SessionManager',
      'Login',
      `<userName>${userName}</userName><password>${password}</password>`,
    )
  }

  /** These properties of every virtual machine below a folder, in one answer, which nobody reads. */
  async retrieve(folder: string, paths: string[]): Promise<void> {
    const container = `<container type="Folder">${folder}</container><type>VirtualMachine</type><recursive>true</recursive>`
    const view = pick(await this.#ask('ViewManager', 'ViewManager', 'CreateContainerView', container), /session\[[^<]+/)
    const path = paths.map((each) => `<pathSet>${each.replaceAll('"', '&quot;')}</pathSet>`).join('')
    const select =
      '<selectSet xsi:type="TraversalSpec"><type>ContainerView</type><path>view</path><skip>false</skip></selectSet>'
    await this.#collect(
      `<propSet><type>VirtualMachine</type><all>false</all>${path}</propSet>`,
      `<obj type="ContainerView">${view}</obj><skip>true</skip>${select}`,
    )
    await this.#ask('ContainerView', view, 'DestroyView')
  }

  /** CloneVM_Task and nothing else, until the task is done. */
  async clone(template: string, { folder, pool, name }: { folder: string; pool: string; name: string }): Promise<void> {
    const location = `<location><pool type="ResourcePool">${pool}</pool></location>`
    const task = pick(
      await this.#ask(
        'VirtualMachine',
        template,
        'CloneVM_Task',
        `<folder type="Folder">${folder}</folder><name>${name}</name><spec>${location}<template>false</template><powerOn>true</powerOn></spec>`,
      ),
      /task-\d+/,
    )
    for (;;) {
      const info = await this.#collect(
        '<propSet><type>Task</type><all>false</all><pathSet>info.state</pathSet></propSet>',
        `<obj type="Task">${task}</obj><skip>false</skip>`,
      )
      const state = pick(info, /(?<=<val[^>]*>)(queued|running|success|error)/)
      if (state === 'error') throw new Error(`the clone failed: ${info}`)
      if (state === 'success') return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  #collect(propSet: string, objectSet: string): Promise<string> {
    const specSet = `<specSet>${propSet}<objectSet>${objectSet}</objectSet></specSet><options></options>`
    return this.#ask('PropertyCollector', 'propertyCollector', 'RetrievePropertiesEx', specSet)
  }

  async #ask(type: string, id: string, method: string, parameters = ''): Promise<string> {
    const body = `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><${method} xmlns="urn:vim25"><_this type="${type}">${id}</_this>${parameters}</${method}></soapenv:Body></soapenv:Envelope>`
    const headers = {
      'content-type': 'text/xml; charset=utf-8',
      soapaction: '"urn:vim25/8.0.3.0"',
      cookie: this.#cookie,
    }
    const response = await this.#fetch(this.#url, { method: 'POST', headers, body })
    const [cookie] = response.headers.getSetCookie()
    if (cookie) this.#cookie = cookie.split(';')[0]!
    const answer = await response.arrayBuffer()
    if (!response.ok) throw new Error(`${method}: ${Buffer.from(answer).toString()}`)
    // A large answer is left as the bytes that it came as.
    return answer.byteLength < 100_000 ? Buffer.from(answer).toString() : ''
  }
}

const pick = (text: string, pattern: RegExp): string => {
  const [found] = pattern.exec(text) ?? []
  if (!found) throw new Error(`no ${pattern} in ${text}`)
  return found
}
