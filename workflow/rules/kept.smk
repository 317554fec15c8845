"""What the study consists of: asked for by name, so that what is lost is made again."""


def kept_files():
    """Every file that jobs leave behind."""
    of_models = [
        *(
            path
            for pattern in MODEL_WITHOUT_GRAPH.values()
            for path in of_runs(pattern, WITH_WEIGHTS)
        ),
        *of_runs(MODEL["card"], CAN_ANSWER),
        *(
            path
            for pattern in sorted({*MODEL.values()} - {*MODEL_WITHOUT_GRAPH.values()})
            for path in of_runs(pattern, list(filter(study.has_graph, WITH_WEIGHTS)))
        ),
        *of_runs(TRAINING, study.made_here()),
        *of_runs(rules.measure_cost.output.cost, WITH_WEIGHTS),
    ]
    # Of a task with several labels as a whole, and of each label.
    of_both = [
        *rules.fetch_dataset.output,
        rules.select_examples.output.explained,
        *of_all_perturbations(rules.perturb.output.perturbed),
        *of_runs(rules.predict.output.predictions, CAN_ANSWER),
        *of_all_runs(EXPLANATIONS),
        *of_first_seeds(EXPLANATIONS_AGAIN),
        *of_ladder(RUNGS, LADDER["teachers"]),
    ]
    of_judged = [
        *(
            path
            for pattern in rules.delete.output
            for path in of_runs(pattern, WORDS_REMOVED)
        ),
        *rules.score_stability.input.explanations,
        *(
            rules.select_perturbed.output
            if study.config["stability"]["explainers"]
            else ()
        ),
        *rules.score_word_shifts.output,
        *rules.calibrate.output,
        *(rules.score_gap_closed.output if BASELINES else ()),
        *(rules.place_students.output if LADDER["teachers"] else ()),
    ]
    return [
        *collect(CHECKPOINT_CARD, checkpoint=study.used_checkpoints()),
        *collect(rules.fetch_corpus.output.corpus, corpus=study.used_corpora()),
        *collect(of_models, task=TASKS),
        *collect(of_both, task=[*TASKS, *LABELS]),
        *collect(of_judged, task=JUDGED),
        *all_scores(),
        *collect(rules.plan_texts.output.plan, task=study.pilots()),
        *of_all_probes(rules.build_probe.output.sentences),
        *of_all_probes(rules.build_probe.output.design),
        *of_all_probes(rules.explain_probe.output.explanations),
        *rules.decide_verdicts.output,
    ]
