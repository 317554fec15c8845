"""What the study consists of: asked for by name, so that what is lost is made again."""


def kept_files():
    """Every file that jobs leave behind."""
    answering = [MODEL["card"], rules.predict.output.predictions]
    of_task = [
        *rules.fetch_dataset.output,
        rules.select_examples.output.explained,
        *of_all_perturbations(rules.perturb.output.perturbed),
        *(
            path
            for pattern in MODEL_WITHOUT_GRAPH.values()
            for path in of_runs(pattern, WITH_WEIGHTS)
        ),
        *(path for pattern in answering for path in of_runs(pattern, CAN_ANSWER)),
        *(
            path
            for pattern in rules.delete.output
            for path in of_runs(pattern, WORDS_REMOVED)
        ),
        *(
            path
            for pattern in sorted({*MODEL.values()} - {*MODEL_WITHOUT_GRAPH.values()})
            for path in of_runs(pattern, list(filter(study.has_graph, WITH_WEIGHTS)))
        ),
        *of_all_runs(EXPLANATIONS),
        *of_first_seeds(EXPLANATIONS_AGAIN),
        *rules.score_stability.input.explanations,
        *rules.score_word_shifts.output,
        *rules.calibrate.output,
        *(rules.score_gap_closed.output if BASELINES else ()),
        *of_ladder(RUNGS, LADDER["teachers"]),
        *(rules.place_students.output if LADDER["teachers"] else ()),
        *of_runs(TRAINING, study.made_here()),
    ]
    return [
        *collect(CHECKPOINT_CARD, checkpoint=study.used_checkpoints()),
        *collect(of_task, task=TASKS),
        *all_scores(),
        *collect(rules.plan_texts.output.plan, task=study.pilots()),
        *of_all_probes(rules.build_probe.output.sentences),
        *of_all_probes(rules.build_probe.output.design),
        *of_all_probes(rules.explain_probe.output.explanations),
        *rules.decide_verdicts.output,
    ]
