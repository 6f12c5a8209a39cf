import { percentWords } from './words.ts'

/** What the picture says, in words. */
const wordsOf = ({ name, load, mark }: { name: string; load: number | null; mark: number | null }): string =>
  [
    load === null ? `${name} does not say how much room it has` : `${name} is filled to ${percentWords(load)}`,
    mark === null ? 'no mark' : `its mark is at ${percentWords(mark)}`,
  ].join('; ')

/** Where the deck and the keel are, in the picture's own measure. */
const DECK = 26
const KEEL = 104
/** The side of a ship, bow to the right. */
const SIDE = 'M18 26 C20 60 30 104 52 104 H196 C224 104 246 64 258 22 C240 27 226 27 208 26 Z'

/** What is painted on a bow: each fifth of the way from keel to deck. */
const DRAFTS = [0.2, 0.4, 0.6, 0.8].map((share) => `M206 ${KEEL - share * (KEEL - DECK)} h7`).join(' ')

const levelOf = (share: number): number => KEEL - Math.min(1, Math.max(0, share)) * (KEEL - DECK)

/**
 * A cloud as a hull: the more it holds the deeper she lies, and the mark says how deep she may. A cloud that does not say how
 * much room it has is drawn by its outline.
 * @param load share of the room that is taken, 0 to 1; null: nobody says
 * @param mark share up to which it is filled; null: there is none
 */
export const Hull = ({ name, load, mark }: { name: string; load: number | null; mark: number | null }) => {
  const water = load === null ? KEEL - 18 : levelOf(load)
  const line = mark === null ? null : levelOf(mark)
  const id = `hull-${name.replace(/\W/g, '-')}`
  const above = load !== null && mark !== null && load > mark + 0.005
  return (
    <svg
      class={`hull${load === null ? ' untold' : ''}${above ? ' above' : ''}`}
      viewBox="0 0 276 116"
      role="img"
      aria-label={wordsOf({ name, load, mark })}
    >
      <clipPath id={id}>
        <path d={SIDE} />
      </clipPath>
      <g class="house">
        <path d="M44 26 V12 H86 V26 M52 12 V5 H66 V12" />
        <path d="M104 26 V17 H126 V26 M132 26 V17 H154 V26 M160 26 V17 H182 V26" />
      </g>
      <rect class="sea" x="0" y={water} width="276" height={116 - water} />
      <path class="side" d={SIDE} />
      {load !== null && (
        <g clip-path={`url(#${id})`}>
          <rect class="hold" x="0" y={water} width="276" height={KEEL - water + 8} />
        </g>
      )}
      <path class="drafts" d={DRAFTS} />
      <path class="outline" d={SIDE} />
      <path
        class="water"
        d={`M0 ${water} q8.6 -4 17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0 t17.25 0`}
      />
      {line !== null && (
        <g class="line">
          <circle cx="138" cy={line} r="9" />
          <path d={`M118 ${line} H158`} />
        </g>
      )}
    </svg>
  )
}
