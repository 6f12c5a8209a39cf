/** A word as a shell takes it for one. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/**
 * The line that does the same by a shell: `commandLine('server', 'stop', name)`. Options that are not set are left out:
 * `['--key-name', null]`, `['--wait', true]`.
 */
export const commandLine = (...words: (string | [option: string, value: string | true | null | undefined])[]): string =>
  ['openstack']
    .concat(
      words.flatMap((word) => {
        if (typeof word === 'string') return [quoted(word)]
        const [option, value] = word
        if (value === true) return [quoted(option)]
        if (!value) return []
        // A value that looks like an option is bound to its own.
        return value.startsWith('-') ? [quoted(`${option}=${value}`)] : [quoted(option), quoted(value)]
      }),
    )
    .join(' ')
