/** What is typed, cut where nobody would type on. */
const LONGEST = 256

/**
 * What answers at a login prompt: it asks for a name and a password, and lets nobody in, as nothing runs the guest.
 * @param say what it writes, in the order in which it does
 * @param host the name before the prompt
 */
export const getty = (say: (text: string) => void, host: () => string): ((typed: string) => void) => {
  let name: string | null = null
  let line = ''
  const prompt = () => {
    name = null
    say(`\r\n${host()} login: `)
  }
  const entered = () => {
    if (name !== null) {
      say('\r\nLogin incorrect\r\n')
      return prompt()
    }
    if (line === '') return prompt()
    name = line
    say('\r\nPassword: ')
  }
  return (typed) => {
    for (const char of typed) {
      if (char === '\r' || char === '\n') {
        entered()
        line = ''
      } else if (char === '\u0008' || char === '\u007f') {
        if (line && name === null) say('\b \b')
        line = line.slice(0, -1)
      } else if (char >= ' ' && char < '\u007f' && line.length < LONGEST) {
        line += char
        if (name === null) say(char)
      }
    }
  }
}
