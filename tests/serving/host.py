"""A process that serves a SavedModel and knows nothing of tf_wavenet: `python host.py FOLDER`.

Requests and answers are pickles on its standard input and output: `(signature, {name: array})` and `(kind, value)`:
"answer" with a dict of arrays, "refused" with the error's text, or, to the signature "", "state" with the process's.
"""

import pickle
import resource
import sys


def main():
    """Answers requests until the input ends."""
    import tensorflow as tf

    loaded = tf.saved_model.load(sys.argv[1])
    functions, answers = dict(loaded.signatures), sys.stdout.buffer
    while True:
        try:
            name, inputs = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if not name:
            ours = sorted(module for module in sys.modules if module.partition(".")[0] == "tf_wavenet")
            kilobytes = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() // 1024
            reply = ("state", {"imported": ours, "kilobytes": kilobytes})
        else:
            try:
                outputs = functions[name](**{key: tf.convert_to_tensor(value) for key, value in inputs.items()})
                reply = ("answer", {key: value.numpy() for key, value in outputs.items()})
            except Exception as error:  # whatever it is, the client hears of it
                reply = ("refused", f"{type(error).__name__}: {error}")
        pickle.dump(reply, answers)
        answers.flush()


if __name__ == "__main__":
    main()
