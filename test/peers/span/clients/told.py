"""What every client here has in common: it is told where to go, says what it made, and cleans up when it is told to."""

import json
import sys

answers = sys.stdout
# What a client prints is for people.
sys.stdout = sys.stderr


def settings():
    """The first line: where the cloud is, who asks, and what is wished."""
    return json.loads(sys.stdin.readline())


def up(*servers):
    """Says which servers are there, and waits until they have been looked at."""
    answers.write(json.dumps({'servers': servers}) + '\n')
    answers.flush()
    sys.stdin.readline()
