import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

interface FieldProps {
  label: string
  hint?: ComponentChildren
  /** Why what stands there will not do. */
  fault?: string | null | undefined
}

const describedBy = (id: string, { hint, fault }: Omit<FieldProps, 'label'>): string | undefined =>
  [hint ? `${id}-hint` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ') || undefined

const Around = ({ id, label, hint, fault, children }: FieldProps & { id: string; children: ComponentChildren }) => (
  <div class="field">
    <label for={id}>{label}</label>
    {children}
    {hint && (
      <p id={`${id}-hint`} class="hint">
        {hint}
      </p>
    )}
    {fault && (
      <p id={`${id}-fault`} class="hint wrong">
        {fault}
      </p>
    )}
  </div>
)

type TextFieldProps = FieldProps & {
  value: string
  onInput?: (value: string) => void
  /** It is only to be read, and taken along. */
  readonly?: boolean
  /** More than one line. */
  rows?: number
  /** It has the focus when it appears. */
  focus?: boolean
} & Partial<
    Record<'required' | 'disabled', boolean> &
      Record<'autocomplete' | 'placeholder' | 'pattern' | 'min' | 'max', string>
  > & { type?: 'text' | 'password' | 'number' | 'search' | 'datetime-local'; maxLength?: number }

/** A text or a number with its label. */
export const TextField = ({ label, hint, fault, value, onInput, rows, focus, readonly, ...input }: TextFieldProps) => {
  const id = useId()
  const box = useRef<HTMLInputElement & HTMLTextAreaElement>(null)
  useEffect(() => {
    if (focus) box.current?.focus()
  }, [focus])
  const common = {
    id,
    ref: box,
    value,
    onInput: (event: { currentTarget: { value: string } }) => onInput?.(event.currentTarget.value),
    readOnly: readonly,
    'aria-describedby': describedBy(id, { hint, fault }),
    'aria-invalid': fault ? true : undefined,
    spellcheck: false,
  }
  return (
    <Around id={id} label={label} hint={hint} fault={fault}>
      {rows ? (
        <textarea
          {...common}
          rows={rows}
          required={input.required}
          placeholder={input.placeholder}
          maxLength={input.maxLength}
        />
      ) : (
        <input {...({ type: 'text', ...input, ...common } as JSX.IntrinsicElements['input'])} />
      )}
    </Around>
  )
}

interface Option {
  value: string
  label: string
  disabled?: boolean
}

/** One of several, by a list that opens. */
export const SelectField = ({
  label,
  hint,
  fault,
  value,
  options,
  onChange,
  required,
  disabled,
}: FieldProps & {
  value: string
  options: Option[]
  onChange: (value: string) => void
  required?: boolean
  disabled?: boolean
}) => {
  const id = useId()
  return (
    <Around id={id} label={label} hint={hint} fault={fault}>
      <select
        id={id}
        value={value}
        required={required}
        disabled={disabled}
        aria-describedby={describedBy(id, { hint, fault })}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.disabled}>
            {option.label}
          </option>
        ))}
      </select>
    </Around>
  )
}

/** Something that is so or not. */
const CheckField = ({
  label,
  hint,
  checked,
  disabled,
  onChange,
}: {
  label: ComponentChildren
  hint?: ComponentChildren
  checked: boolean
  disabled?: boolean | undefined
  onChange: (checked: boolean) => void
}) => {
  const id = useId()
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        disabled={disabled}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </div>
  )
}

/** Several of a list. */
export const CheckList = ({
  legend,
  hint,
  options,
  chosen,
  onChange,
}: {
  legend: string
  hint?: ComponentChildren
  options: Option[]
  chosen: string[]
  onChange: (chosen: string[]) => void
}) => (
  <fieldset class="field">
    <legend>{legend}</legend>
    {hint && <p class="hint">{hint}</p>}
    {options.map(({ value, label, disabled }) => (
      <CheckField
        key={value}
        label={label}
        checked={chosen.includes(value)}
        disabled={disabled}
        onChange={(checked) => onChange(checked ? [...chosen, value] : chosen.filter((each) => each !== value))}
      />
    ))}
  </fieldset>
)
