import type { Choices } from '../api/use-choices.ts'
import { CheckList, SelectField } from './form.tsx'

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
const noteOf = ({ rows, fault, asking, cut }: Choices<unknown>, none?: string, hint?: string): string | undefined => {
  if (asking) return 'Asking…'
  if (!fault && rows.length === 0 && none) return none
  return cut ? `${hint ? `${hint} ` : ''}The first ${rows.length} are listed.` : hint
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
}: Listed<T> & { chosen: string[]; onChange: (chosen: string[]) => void }) => (
  <CheckList
    legend={label}
    hint={choices.fault ? <span class="wrong">{choices.fault.message}</span> : noteOf(choices, none, hint)}
    options={choices.rows.map((row) => ({ value: keyOf(row), label: wordsOf(row) }))}
    chosen={chosen}
    onChange={onChange}
  />
)
