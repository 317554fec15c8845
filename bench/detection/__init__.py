"""What is found, how small, and what else finds it: ``python -m bench.detection [RESULTS]``.

A finished study with planted drifts of known size (resources/studies/detection-mini.yaml) is judged again on
parts of its texts, as if it had no more. Step by step:

1. Every measure says how alike two runs are: by their attributions, their answers, or their representations
   (`bench.detection.measure`). All ask the same: is a student's run less like its teacher's runs than
   these are like each other?
2. Students that are the teacher's recipe again set each measure's threshold: the evidence that one part in
   twenty of theirs exceeds. So all measures have the same rate of false alarms.
3. How often a student exceeds it, over parts drawn at random, is the power at that number of texts
   (`bench.detection.power`).
4. Beside it stands how often the rule of the verdict itself says "drift found", and what the formula by
   which ``distillens extend`` plans had expected (`bench.detection.formula`).

Nothing is trained or explained again. Texts are drawn, runs are those that there are: a curve says what other
texts would show of these very students.
"""
