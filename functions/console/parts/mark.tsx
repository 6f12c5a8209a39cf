/** The mark on the hull: a disc, and the line up to which she may be loaded. */
const Mark = ({ size = 24 }: { size?: number }) => (
  <svg class="mark" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
    <circle cx="16" cy="16" r="9.5" fill="none" stroke="currentColor" stroke-width="3" />
    <path d="M1 16h30" stroke="currentColor" stroke-width="3" />
  </svg>
)

/** The mark with the name. */
export const Wordmark = () => (
  <span class="wordmark">
    <Mark />
    Plimsoll
  </span>
)
