/** One safety rule taken out of the program, and the scenario in which only that rule helps. */
export interface Mutant {
  rule: string
  /** Texts of one file, each of which must be there exactly once. */
  file: string
  replace: [text: string, by: string][]
  scenario: string
}

export const mutants: Mutant[] = [
  {
    rule: 'A repeated call carries the token of the first.',
    file: 'functions/broker/converge/present.ts',
    replace: [
      [
        'await work.write({ calledAt: work.now(), attempts: work.binding.attempts + 1 })',
        'await work.write({ calledAt: work.now(), token: work.context.newId() })',
      ],
    ],
    scenario: 'lost answer, invisible object',
  },
  {
    rule: 'What is not known to have failed is ambiguous: it stays CALLING and is looked up.',
    file: 'functions/broker/converge/recover.ts',
    replace: [
      [
        "case 'ambiguous':\n      return later()",
        "case 'ambiguous':\n      return creating ? startOver(work, thrown) : later()",
      ],
    ],
    scenario: 'lost answer, no deduplication',
  },
  {
    rule: 'Where nothing deduplicates, a call is repeated only when an earlier one can have no effect any more.',
    file: 'functions/broker/converge/present.ts',
    replace: [
      ['shownAt(calledAt, work.realm.settleMs, work.context.aloneSince)', '(calledAt ?? 0) + 0 * shownAt(0, 0)'],
    ],
    scenario: 'an effect after the answer was given up',
  },
  {
    rule: 'An absence counts for the time when it was looked for.',
    file: 'functions/broker/converge/present.ts',
    replace: [['sure = lookedAt >= visibleBy', 'sure = lookedAt > 0 && work.now() >= visibleBy']],
    scenario: 'an old look',
  },
  {
    rule: 'No call begins that may end after its lease.',
    file: 'functions/broker/converge/work.ts',
    replace: [['if (this.now() + CALL > this.binding.leaseUntil)', 'if (this.now() < CALL)']],
    scenario: 'held before the call',
  },
  {
    rule: 'Quota moves in the batch of the row that justifies it.',
    file: 'functions/broker/block-storage/volume-create.ts',
    replace: [
      ["  charge(projectId, 'gigabytes', sizeGib),\n]", ']'],
      [
        '    return volume\n',
        "    await context.db.batch([charge(volume.projectId, 'gigabytes', volume.sizeGib)])\n    return volume\n",
      ],
    ],
    scenario: 'killed at every step of a request',
  },
  {
    rule: 'Only what bears the mark of this deployment counts as ours.',
    file: 'adapters/sandbox/marks.ts',
    replace: [['mark?.deployment === deployment ? mark : undefined', 'deployment ? (mark ?? undefined) : undefined']],
    scenario: 'a neighbour in the account',
  },
  {
    rule: 'Before a removal the cloud looks whether the mark is that of the resource.',
    file: 'adapters/sandbox/marks.ts',
    replace: [
      [
        'if (own && (!mark || own.resource === mark.resource)) return',
        'if (!own || !mark || own.resource === mark.resource) return',
      ],
    ],
    scenario: 'an object taken over by hand',
  },
  {
    rule: 'A process that lost its claim writes no more (the fence).',
    file: 'db/queries/line/bindings.ts',
    replace: [
      [
        'cloud_id = ? and scope = ? and fence = ?)`,\n    [kind, resourceId, cloudId, scope, fence]',
        'cloud_id = ? and scope = ? and 0 < ?)`,\n    [kind, resourceId, cloudId, scope, fence]',
      ],
      [
        ".where(and(there(), eq(bindings.fence, sql.placeholder('fence'))))\n      .returning()",
        '.where(there())\n      .returning()',
      ],
    ],
    scenario: 'late for its own lease',
  },
  {
    rule: 'Of a call without an answer nothing is concluded before the grace G.',
    file: 'functions/broker/converge/absent.ts',
    replace: [['(calledAt ?? 0) + Math.max(GRACE, 2 * work.realm.settleMs)', '(calledAt ?? 0) + 0 * GRACE']],
    scenario: 'deleted before the answer',
  },
  {
    rule: 'If more than 20 % of an account vanishes at once, the listing is not believed.',
    file: 'functions/broker/reconcile/sweep.ts',
    replace: [['absent.length > known.length * BRAKE', 'absent.length > known.length / BRAKE']],
    scenario: 'an empty account',
  },
  {
    rule: 'If more than 20 % of what is marked are orphans, none is removed.',
    file: 'functions/broker/reconcile/orphans.ts',
    replace: [['resources.length > marked * BRAKE', 'resources.length > marked / BRAKE']],
    scenario: 'a dozen orphans at once',
  },
  {
    rule: 'The cloud is listed first, the rows are read second.',
    file: 'functions/broker/reconcile/sweep.ts',
    replace: [
      [
        '    const listing = await listOn(',
        '    const bound = await knownObjects(context.db, cloudId, kind, projectIds)\n    const listing = await listOn(',
      ],
      [
        '.map((sighting) => [sighting.id, sighting]))\n    const bound = await knownObjects(context.db, cloudId, kind, projectIds)\n',
        '.map((sighting) => [sighting.id, sighting]))\n',
      ],
    ],
    scenario: 'deleted before a listing',
  },
  {
    rule: 'A listing does not judge what is younger than itself.',
    file: 'functions/broker/reconcile/sweep.ts',
    replace: [['bound.filter((k) => (k.boundAt ?? 0) < startedAt)', 'bound.filter(() => startedAt > 0)']],
    scenario: 'made behind a listing',
  },
  {
    rule: 'What was made while this database was not kept is reported, never removed (the epoch).',
    file: 'functions/broker/line/epoch.ts',
    replace: [['since <= epoch && epoch <= until', 'since > epoch && epoch > until']],
    scenario: 'a restored database',
  },
  {
    rule: 'An orphan is ten minutes old before it is removed.',
    file: 'functions/broker/reconcile/orphans.ts',
    replace: [['now - o.firstSeenAt >= AGE', 'now - o.firstSeenAt >= 0 * AGE']],
    scenario: 'a young orphan',
  },
  {
    rule: 'A request with the key of an earlier one makes nothing new.',
    file: 'functions/repeat.ts',
    replace: [["request.headers.get('Idempotency-Key')", "request.headers.get('No-Such-Key')"]],
    scenario: 'asked twice',
  },
  {
    rule: 'A changed intent is seen by the work on the one before.',
    file: 'functions/broker/converge/work.ts',
    replace: [['return revision !== this.began.revision', 'return revision < this.began.revision']],
    scenario: 'another wish between two steps',
  },
  {
    rule: 'What was adopted anew is settled by no work on it from before.',
    file: 'functions/broker/converge/work.ts',
    replace: [[' || ownership !== this.began.ownership', '']],
    scenario: 'adopted again while the mark comes upon it',
  },
  {
    rule: 'A change that went unanswered keeps its claim until it can have no effect any more.',
    file: 'functions/broker/converge/work.ts',
    replace: [['this.openUntil = until', 'this.openUntil = 0 * until']],
    scenario: 'a change overtaken by the next',
  },
  {
    rule: 'A change that lost its claim on the way is made again by who has it.',
    file: 'functions/broker/converge/converge.ts',
    replace: [['if (work.changed) await applyAgain(', 'if (work.changed && work.openUntil > 0) await applyAgain(']],
    scenario: 'a change after its lease',
  },
  {
    rule: 'An action is the end of nothing: what else is wanted of a server is done after it.',
    file: 'functions/broker/compute/server-act.ts',
    replace: [['settled: last && isDescribed(cloud, server, binding)', 'settled: last']],
    scenario: 'renamed in the middle of an action',
  },
  {
    rule: 'Nothing is removed while a call that went unanswered may make it anew.',
    file: 'functions/broker/converge/absent.ts',
    replace: [
      ['calledAt === null ? 0 : shownAt(calledAt, 0, work.context.aloneSince)', '0 * (calledAt ?? shownAt(0, 0))'],
    ],
    scenario: 'made anew by the first call',
  },
  {
    rule: 'What has not shown itself since it was made may only be late.',
    file: 'functions/broker/converge/absent.ts',
    replace: [['if (!seen && work.now() < visibleBy)', 'if (!seen && work.now() < 0 * visibleBy)']],
    scenario: 'deleted before it shows',
  },
  {
    rule: 'Nothing is handed back while a change of it may be under way.',
    file: 'db/queries/line/release.ts',
    replace: [[" and ownership <> 'releasing'))", " and ownership = 'nobodys'))"]],
    scenario: 'handed back before the answer',
  },
  {
    rule: 'What was handed back is never removed, whatever mark it bears.',
    file: 'functions/broker/reconcile/orphans.ts',
    replace: [['!inLapse(o.epoch)) && !o.handedBack', '!inLapse(o.epoch)) || o.handedBack']],
    scenario: 'a mark after the hand-over',
  },
  {
    rule: 'What is no part of a request neither takes its key nor counts on its ids.',
    file: 'functions/broker/line/commit.ts',
    replace: [['once ? { ...context, newId: once.otherId } : context', '({ ...context, once }) as Context']],
    scenario: 'killed between two batches of a request',
  },
  {
    rule: 'A repetition speaks of nothing that was not written.',
    file: 'functions/broker/line/commit.ts',
    replace: [
      [
        'if (!(await wasJournalled(db, { userId, action, resourceId, detail }))) throw',
        'if (!db && !(await wasJournalled(db, { userId, action, resourceId, detail }))) throw',
      ],
    ],
    scenario: 'another address, and no answer',
  },
  {
    rule: 'What is said of a repeated call is not said of the first.',
    file: 'functions/broker/converge/recover.ts',
    replace: [["creating && work.answer === 'repeated' &&", 'creating && work.answer === null &&']],
    scenario: 'refused the second time',
  },
  {
    rule: 'What a cloud refused a moment ago is not asked for again.',
    file: 'functions/broker/compute/place/rank.ts',
    replace: [
      [
        'if (barred !== null || c.refused === null) return barred',
        'if (barred !== null || c.priceAsOf !== 0) return barred',
      ],
    ],
    scenario: 'refused a moment ago',
  },
  {
    rule: 'What was admitted before it was refused to another does not ask for it either.',
    file: 'functions/broker/converge/present.ts',
    replace: [['if (refused) throw refused', 'if (refused && !row) throw refused']],
    scenario: 'refused while another was on its way',
  },
  {
    rule: 'What was refused is asked for again after its time.',
    file: 'functions/broker/compute/place/refusals.ts',
    replace: [["'no-capacity': 3 * MINUTE", "'no-capacity': 3000 * MINUTE"]],
    scenario: 'asked again after its time',
  },
  {
    rule: 'What is unpriced is not cheap.',
    file: 'functions/broker/compute/place/rank.ts',
    replace: [['Number(a.hourly === null) - Number(b.hourly === null) || (a.hourly ?? 0)', '(a.hourly ?? 0)']],
    scenario: 'a size without a price',
  },
  {
    rule: 'A port has its address where its server is: both move in one batch.',
    file: 'functions/broker/compute/place/carried-ports.ts',
    replace: [
      ['    ...placed,\n', ''],
      [
        '  const networkIds = [...new Set(ports.map(({ networkId }) => networkId))]\n  const home =',
        '  await db.batch(placed as never)\n  const networkIds = [...new Set(ports.map(({ networkId }) => networkId))]\n  const home =',
      ],
    ],
    scenario: 'on to another segment',
  },
  {
    rule: 'The batch that admits holds only where the mark holds after it.',
    file: 'functions/broker/compute/place/marks.ts',
    replace: [
      [
        'return [...homeWrites(context, going, home, above), ...markGuards(context, going)]',
        'return homeWrites(context, going, home, above)',
      ],
    ],
    scenario: 'two at one mark',
  },
  {
    rule: 'The batch that admits holds only where the cap of what spills holds after it.',
    file: 'functions/broker/compute/place/marks.ts',
    replace: [['isSpilled(policy, to.name) ? policy.spill_cap : null', 'isSpilled(policy, to.name) ? null : null']],
    scenario: 'two at one cap',
  },
  {
    rule: 'A home that was passed by is home again when it has come down from its mark (hysteresis).',
    file: 'functions/broker/compute/place/marks.ts',
    replace: [['return above && !home.passed ?', 'return !above && home.passed ?']],
    scenario: 'one leaves a full home',
  },
  {
    rule: 'What is at home does not use up the cap of what is out.',
    file: 'functions/broker/compute/place/choose.ts',
    replace: [
      [
        'spilled: to !== undefined && isSpilled(found.policy ?? NO_POLICY, to.name)',
        'spilled: to !== undefined && (isSpilled(found.policy ?? NO_POLICY, to.name) || true)',
      ],
    ],
    scenario: 'a cap below what is at home',
  },
  {
    rule: 'What is out does not keep home looking full.',
    file: 'db/queries/clouds/marks.ts',
    replace: [
      [
        "left join cloud_use held on held.cloud_id = c.id and held.project_id = ''",
        "left join (select sum(vcpus) as vcpus, sum(ram_mib) as ram_mib from cloud_use where project_id = '') held",
      ],
    ],
    scenario: 'home with much outside',
  },
  {
    rule: 'What is on its way is nothing that a cloud was seen to have: it counts twice rather than never.',
    file: 'db/queries/clouds/marks.ts',
    replace: [['select coalesce(s.vcpus, 0) as vcpus,', 'select coalesce(u.vcpus, 0) as vcpus,']],
    scenario: 'an inventory while one is on its way',
  },
  {
    rule: 'What may be spent is compared in the batch that spends it.',
    file: 'functions/broker/compute/server-create.ts',
    replace: [
      ['writes.push(...moneyGuards(context, projectId, admission.allowance))', 'moneyGuards(context, projectId, null)'],
    ],
    scenario: 'two at the last of the money',
  },
  {
    rule: 'What a volume costs is compared in the batch that makes it.',
    file: 'functions/broker/block-storage/volume-create.ts',
    replace: [
      [
        '...planVolume(context, row, source.image ?? null), ...paid]',
        '...planVolume(context, row, source.image ?? null)]',
      ],
    ],
    scenario: 'two volumes at the last of the money',
  },
  {
    rule: 'A burst has no more members than it may when they are admitted.',
    file: 'functions/broker/burst/member.ts',
    replace: [
      [
        "context.now()), guard(context, 'burst-full', burstFull(burstId))]",
        "context.now())].filter(() => guard(context, 'burst-full', burstFull(burstId)))",
      ],
    ],
    scenario: 'a burst that becomes smaller while it is filled',
  },
  {
    rule: 'Under a limit of money nothing is bought of which nobody knows the price.',
    file: 'functions/broker/money/allowance.ts',
    replace: [['if (hourly === null || hourly > (allowance.each', 'if ((hourly ?? 0) > (allowance.each']],
    scenario: 'no price, and a limit',
  },
  {
    rule: 'While the database may be an older one, nothing is bought under a limit of money.',
    file: 'functions/broker/money/restored.ts',
    replace: [['keptAt !== null && epochOf(now) - keptAt > LATE', 'keptAt === epochOf(now) - LATE - 1 && now < 0']],
    scenario: 'an older database, and little money',
  },
  {
    rule: 'After that nothing is bought under a limit of money before each cloud was listed.',
    file: 'functions/broker/money/restored.ts',
    replace: [['if (unlisted.length)', 'if (unlisted.length > 99)']],
    scenario: 'an older database, and a cloud that says nothing',
  },
  {
    rule: 'An hour of what runs is kept of a budget before it is spent.',
    file: 'db/queries/money/spending.ts',
    replace: [['+ coalesce((select reserved from spend', '+ 0 * coalesce((select reserved from spend']],
    scenario: 'nothing spent yet',
  },
  {
    rule: 'What a process had in its hand when its claim ran out is not written (the fence of webhooks).',
    file: 'db/queries/line/webhooks.ts',
    replace: [['from webhooks where fence = ', 'from webhooks where 0 < ']],
    scenario: 'a try that is written down too late',
  },
  {
    rule: 'What is told is written in the batch of what it tells.',
    file: 'functions/broker/compute/lease/budget-end.ts',
    replace: [
      [
        '    await commit(context, { action: `budget_',
        '    await context.db.batch([telling])\n    await commit(context, { action: `budget_',
      ],
      ['      telling,\n', ''],
    ],
    scenario: 'two find a budget spent',
  },
  {
    rule: 'What was taken back is made anew only where its user agreed.',
    file: 'functions/broker/compute/moving/movable.ts',
    replace: [["if (metadata[MOVABLE] !== 'true')", "if (metadata[MOVABLE] === 'never')"]],
    scenario: 'taken back',
  },
  {
    rule: 'After three times a server is bought on demand.',
    file: 'functions/broker/compute/reclaim/reclaimed.ts',
    replace: [['const MOST_RECLAIMS = 3', 'const MOST_RECLAIMS = 33']],
    scenario: 'taken back again and again',
  },
  {
    rule: 'What was taken back ends in the batch that begins what takes its place.',
    file: 'functions/broker/compute/reclaim/reclaimed.ts',
    replace: [
      [
        '        // It may have been there before.\n        forgetGone(context.db, { ...refOf(binding), cloudId: place.cloudId }),',
        '        ...(forgetGone(context.db, { ...refOf(binding), cloudId: place.cloudId }) && []),',
      ],
      ["bindTo(context, 'server', server, place),", "...(bindTo(context, 'server', server, place) && []),"],
    ],
    scenario: 'taken back, and killed',
  },
  {
    rule: 'A machine at home is the server only when its guest said that it is ready.',
    file: 'functions/broker/compute/home/settle.ts',
    replace: [["seen.power === 'running' && move.readyAt !== null", "seen.power === 'running'"]],
    scenario: 'a machine that is not ready',
  },
  {
    rule: 'Why a server stays is said of none for which another has begun to make a machine.',
    file: 'db/queries/compute/server-moves.ts',
    replace: [
      ['set: { reason, dueAt, updatedAt },', "set: { ...NOTHING, state: 'staying', reason, dueAt, updatedAt },"],
      ["setWhere: eq(serverMoves.state, 'staying'),", ''],
    ],
    scenario: 'two bring one home',
  },
  {
    rule: 'What is busy is not moved, whenever it was said.',
    file: 'db/queries/compute/server-moves.ts',
    replace: [["\n    and metadata ->> 'plimsoll:busy' is not 'true')", ')']],
    scenario: 'busy at the last moment',
  },
  {
    rule: 'The old machine goes when its time is over.',
    file: 'functions/broker/compute/home/leave.ts',
    replace: [["unwantedOn(context, 'server', [serverId], cloudId)", "unwantedOn(context, 'server', [], cloudId)"]],
    scenario: 'a machine that is not ready',
  },
  {
    rule: 'What arrives stands in for what is taken back.',
    file: 'functions/broker/compute/home/instead.ts',
    replace: [
      [
        "move?.state === 'arriving' && !move.cancelled ? move : null",
        "move?.state === 'arriving' && move.cancelled ? move : null",
      ],
    ],
    scenario: 'taken back while another is ready',
  },
  {
    rule: 'What is said of a machine that arrives is not said of the current one.',
    file: 'functions/broker/compute/home/machine.ts',
    replace: [
      ['stillArriving(context, server.id),\n    over(', '...(stillArriving(context, server.id) && []),\n    over('],
    ],
    scenario: 'taken back while another is refused',
  },
  {
    rule: 'What a burst may cost an hour is compared in the batch that makes a second machine, too.',
    file: 'functions/broker/compute/home/stays.ts',
    replace: [
      [
        'limitOfEach(server.metadata, server.flavor), burst })',
        'limitOfEach(server.metadata, server.flavor), ...(burst && {}) })',
      ],
    ],
    scenario: 'another member of a burst, and one that comes home',
  },
]
