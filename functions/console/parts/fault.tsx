import type { Fault } from '../api/fault.ts'

/** What a service said, in its own words, with the id under which its log has it. */
export const FaultNote = ({ fault, again }: { fault: Fault; again?: () => void }) => (
  <div class="note fault" role="alert">
    <p>{fault.message}</p>
    {(fault.requestId || fault.status > 0) && (
      <p class="small quiet">
        {fault.status > 0 && <span>{fault.status} </span>}
        {fault.requestId && <code>{fault.requestId}</code>}
      </p>
    )}
    {again && (
      <button type="button" onClick={again}>
        Ask again
      </button>
    )}
  </div>
)
