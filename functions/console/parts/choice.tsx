import { useEffect, useRef, useState } from 'preact/hooks'
import type { Choices } from '../api/use-choices.ts'
import { CheckList, SelectField, TextField } from './form.tsx'

interface Listed<T> {
  label: string
  hint?: string | undefined
  choices: Choices<T>
  /** What is said where there is nothing to choose from. */
  none?: string
  keyOf?: (row: T) => string
  wordsOf?: (row: T) => string
}

/** What a row is called, for rows of ids and names. */
const named = (row: unknown): string => {
  const { id, name } = row as { id: string; name: string | null }
  return name || id
}
const idOf = (row: unknown): string => (row as { id: string }).id

/** What is said beside a list: why it is empty, or that it goes on. */
const noteOf = (
  { rows, fault, asking, cut, word }: Choices<unknown>,
  none?: string,
  hint?: string,
): string | undefined => {
  if (asking) return 'Asking…'
  if (!fault && word && rows.length === 0 && !cut) return `None is called ${word}.`
  if (!fault && rows.length === 0 && !cut && none) return none
  return cut ? `${hint ? `${hint} ` : ''}The first ${rows.length} are listed.` : hint
}

/** So long after the last key it is looked for, in milliseconds. */
const QUIET = 300

/** Where a list goes on behind what is listed, a box to look for a name in all of it. */
const Seek = ({ label, choices: { cut, word, seek } }: { label: string; choices: Choices<unknown> }) => {
  const [typed, setTyped] = useState(word ?? '')
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  if (!seek || !(cut || word || typed)) return null
  return (
    <TextField
      type="search"
      label={`${label}, by name`}
      hint="Looked for among all of them."
      value={typed}
      onInput={(next) => {
        setTyped(next)
        clearTimeout(timer.current)
        timer.current = setTimeout(() => seek(next.trim()), QUIET)
      }}
    />
  )
}

/** One of a list that a service gives; what it said in place of the list is said here. */
export const ChoiceField = <T,>({
  label,
  hint,
  choices,
  none,
  first,
  value,
  onChange,
  required,
  disabled,
  keyOf = idOf,
  wordsOf = named,
}: Listed<T> & {
  /** In place of a row: that none is chosen. */
  first: string
  value: string
  onChange: (value: string) => void
  required?: boolean
  disabled?: boolean
}) => {
  const options = choices.rows.map((row) => ({ value: keyOf(row), label: wordsOf(row) }))
  // What was chosen before the list was there, or lies behind its end, stays in sight.
  if (value && !options.some((each) => each.value === value)) options.unshift({ value, label: value })
  return (
    <>
      <SelectField
        label={label}
        hint={noteOf(choices, none, hint)}
        fault={choices.fault?.message}
        value={value}
        onChange={onChange}
        {...(required ? { required } : {})}
        {...(disabled ? { disabled } : {})}
        options={[{ value: '', label: first }, ...options]}
      />
      <Seek label={label} choices={choices} />
    </>
  )
}

/** Several of a list that a service gives. */
export const ChoiceList = <T,>({
  label,
  hint,
  choices,
  none,
  chosen,
  onChange,
  keyOf = idOf,
  wordsOf = named,
}: Listed<T> & { chosen: string[]; onChange: (chosen: string[]) => void }) => {
  const options = choices.rows.map((row) => ({ value: keyOf(row), label: wordsOf(row) }))
  // What was chosen of another search stays in sight.
  const others = chosen.filter((each) => !options.some(({ value }) => value === each))
  return (
    <>
      <CheckList
        legend={label}
        hint={choices.fault ? <span class="wrong">{choices.fault.message}</span> : noteOf(choices, none, hint)}
        options={[...(choices.asking ? [] : others.map((value) => ({ value, label: value }))), ...options]}
        chosen={chosen}
        onChange={onChange}
      />
      <Seek label={label} choices={choices} />
    </>
  )
}
