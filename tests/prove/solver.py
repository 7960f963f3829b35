#!/usr/bin/env python3
"""An SMT-LIB session on standard input, answered on standard output, as the executable `cvc5 --lang smt` would.

The Python package of cvc5 has the solver and no executable. `cedar-policy-symcc` starts the command in the environment
variable CVC5, writes commands line by line and waits for the answer to each check; so each command is given to the parser
as soon as its last parenthesis has come.
"""

import sys

import cvc5


def complete(text):
    """The length of the first whole command in `text`, or None while its end has not come."""
    depth = 0
    at = 0
    while at < len(text):
        sign = text[at]
        if sign == ";":
            end = text.find("\n", at)
            if end < 0:
                return None
            at = end
        elif sign in '"|':
            # A quote inside a string is written twice, which reads as two strings side by side.
            end = text.find(sign, at + 1)
            if end < 0:
                return None
            at = end
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return None


class Session:
    """A solver with its parser. `(reset)` makes a new one: the parser of the package does not survive that command."""

    def __init__(self, options):
        self.terms = cvc5.TermManager()
        self.solver = cvc5.Solver(self.terms)
        for name, value in options:
            self.solver.setOption(name, value)
        self.parser = cvc5.InputParser(self.solver, cvc5.SymbolManager(self.terms))
        self.parser.setIncrementalStringInput(cvc5.InputLanguage.SMT_LIB_2_6, "stdin")

    def answer(self, command):
        self.parser.appendIncrementalStringInput(command + "\n")
        return self.parser.nextCommand().invoke(self.solver, self.parser.getSymbolManager())


def main():
    # `--lang smt` is the only language spoken here. A limit of time is one for each check, in milliseconds.
    limits = [argument.partition("=")[2] for argument in sys.argv[1:] if argument.startswith("--tlimit=")]
    options = [("tlimit-per", limit) for limit in limits]
    session = Session(options)
    held = ""
    for line in sys.stdin:
        held += line
        while (end := complete(held)) is not None:
            command, held = held[:end].strip(), held[end:].lstrip()
            if command == "(reset)":
                session = Session(options)
                continue
            try:
                answer = session.answer(command)
            except RuntimeError as error:
                answer = '(error "{}")\n'.format(str(error).replace('"', "'").replace("\n", " "))
            sys.stdout.write(str(answer or ""))
            sys.stdout.flush()


main()
