/**
 * Whether what is told over and over is told as often as it is worth: `PLIMSOLL_ROUNDS=long`, as `.ci/run` has it in a stage of its own.
 * Otherwise a part of it is told, another one each day, so that the whole suite takes minutes.
 */
export const long = typeof process !== 'undefined' && process.env.PLIMSOLL_ROUNDS === 'long'

/** Whether stories in workerd have D1 itself: `PLIMSOLL_D1=itself`, as `.ci/run` has it in a stage of its own. Otherwise what it stands on (`databases/near.ts`). */
export const onD1Itself = typeof process !== 'undefined' && process.env.PLIMSOLL_D1 === 'itself'

/** Which of so many parts has its turn today, from 0 on. */
export const turn = (parts: number): number => Math.floor(Date.now() / 86_400_000) % parts
