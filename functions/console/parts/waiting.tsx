import type { ComponentChildren } from 'preact'
import type { Answer } from '../api/use-answer.ts'
import { FaultNote } from './fault.tsx'

/** What an answer says once it is there; before that that it is waited for, and in its place why it did not come. */
export const Waiting = <T,>({ answer, children }: { answer: Answer<T>; children: (value: T) => ComponentChildren }) => (
  <>
    {answer.fault && <FaultNote fault={answer.fault} again={answer.again} />}
    {answer.value !== null
      ? children(answer.value)
      : !answer.fault && (
          <p class="quiet waiting" role="status">
            Asking…
          </p>
        )}
  </>
)
