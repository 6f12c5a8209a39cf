// What is done within a page of Horizon. Each gives what is lacking, or null, and sends the form in the turn after.
globalThis.peers = {
  /** Fills the form that has the first of these fields. */
  fill(fields) {
    const [first] = Object.keys(fields)
    // The beginning of some names is that of a class.
    const fieldOf = (form, name) =>
      name.startsWith('*')
        ? [...form.elements].find((each) => each.name?.endsWith(name.slice(1)))
        : form.elements.namedItem(name)
    const forms = [...document.querySelectorAll('form')].filter((each) => each.querySelector('[type=submit]'))
    const form = first
      ? forms.find((each) => fieldOf(each, first))
      : forms.find((each) => each.closest('#content_body'))
    if (!form) return `there is no form with ${first}, but ${textOf(document.body).slice(0, 300)}`
    for (const [name, value] of Object.entries(fields)) {
      const field = fieldOf(form, name)
      if (!field) return `the form has no ${name}`
      const one = field instanceof RadioNodeList ? field[0] : field
      const lacking = set(one, value)
      if (lacking) return `${name} ${lacking}`
      one.dispatchEvent(new Event('input', { bubbles: true }))
      one.dispatchEvent(new Event('change', { bubbles: true }))
    }
    // Steps of a workflow that are not before one's eyes are sent too.
    form.noValidate = true
    setTimeout(() => HTMLFormElement.prototype.submit.call(form), 0)
    return null
  },
  /** Presses a button of a table, of its row or for what is ticked, without the question whether that is meant. */
  press(value) {
    const buttons = [...document.querySelectorAll('button[name=action]')]
    const [, action, id] = /^(.*?__\w+?)__(.*)$/.exec(value) ?? []
    const tick = document.querySelector(`input[name=object_ids][value="${id}"]`)
    let button = buttons.find((each) => each.value === value)
    if (!button && tick) {
      tick.checked = true
      button = buttons.find((each) => each.value === action)
    }
    button ??= buttons.find((each) => each.value.startsWith(value))
    if (!button?.form) return `there is no button ${value}, but ${buttons.map((each) => each.value).join(', ')}`
    setTimeout(() => button.form.requestSubmit(button), 0)
    return null
  },
  /** Calls as a script of Horizon does. */
  async call(method, path, body) {
    const token = /csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? ''
    const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': token, 'X-Requested-With': 'XMLHttpRequest' }
    const response = await fetch(path, { method, headers, body })
    return { status: response.status, text: await response.text() }
  },
}

const set = (field, value) => {
  if (field.type === 'checkbox') field.checked = Boolean(value)
  else if (field instanceof HTMLSelectElement) return choose(field, Array.isArray(value) ? value : [String(value)])
  else field.value = String(value)
  return null
}

const textOf = (option) => option.textContent.replace(/\s+/g, ' ').trim()

const choose = (field, values) => {
  const options = [...field.options]
  if (field.multiple) for (const option of options) option.selected = false
  for (const value of values) {
    const found =
      options.find((option) => (value === '*' ? option.value !== '' : option.value === value)) ??
      options.find((option) => textOf(option).startsWith(value)) ??
      options.find((option) => textOf(option).includes(value))
    if (!found) return `has no ${value}, but ${options.map(textOf).join(', ')}`
    found.selected = true
  }
  return null
}
