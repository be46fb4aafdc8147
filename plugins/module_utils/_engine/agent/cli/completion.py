# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the completion of bash and of zsh; pure. Names are asked of the program itself, for the root that is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .verb_table import VerbEntry

#: What completes an argument or a value of this name.
_KINDS = {
    "NAME": "containers",
    "NAME|ID": "containers",
    "IMAGE": "images",
    "VOLUME": "volumes",
    "NETWORK": "networks",
    "FILE": "files",
    "DIR": "files",
    "[NAME:]SOURCE": "ends",
    "[NAME:]DEST": "ends",
}
_BASH = """\
# bash completion of slipway(8); made by slipway completion bash.
_slipway_names() {
    case $1 in
        containers) "${slipway[@]}" ps --all --format '{{.Names}}' ;;
        ends) "${slipway[@]}" ps --all --format '{{.Names}}:' ;;
        images) "${slipway[@]}" images --format '{{.Names}}' | tr -d , ;;
        volumes) "${slipway[@]}" volume ls --quiet ;;
        networks) "${slipway[@]}" network ls --quiet ;;
    esac 2>/dev/null
}

_slipway() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local verb= words= kind= valued= i
    local -a slipway=("${COMP_WORDS[0]}")
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --root | --run-root) slipway+=("${COMP_WORDS[i]}" "${COMP_WORDS[i+1]}"); ((i++)) ;;
            -*) ;;
            *) verb=${verb:+$verb }${COMP_WORDS[i]}; [[ $verb == @(@GROUPS@) ]] || break ;;
        esac
    done
    case $verb in
@CASES@
    esac
    COMPREPLY=()
    case " $valued " in
        *" $before:"*) kind=${valued##*"$before:"} kind=${kind%% *} words= ;;
        *) [[ $current == -* ]] && kind= ;;
    esac
    case $kind in
        files) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        '='*) words=${kind#=} words=${words//,/ } kind= ;;
        ends) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    esac
    if [[ -n $kind && $kind != files ]]; then words="$words $(_slipway_names "$kind")"; fi
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o bashdefault -F _slipway slipway
"""
_ZSH = """\
#compdef slipway
# zsh completion of slipway(8); made by slipway completion zsh.
_slipway_names() {
    case $1 in
        containers) $slipway ps --all --format '{{.Names}}' ;;
        ends) $slipway ps --all --format '{{.Names}}:' ;;
        images) $slipway images --format '{{.Names}}' | tr -d , ;;
        volumes) $slipway volume ls --quiet ;;
        networks) $slipway network ls --quiet ;;
    esac 2>/dev/null
}

_slipway() {
    local verb= kind= valued= word= i
    local -a slipway options verbs
    slipway=($words[1])
    for ((i = 2; i < CURRENT; i++)); do
        case $words[i] in
            --root|--run-root) slipway+=($words[i] $words[i+1]); ((i++)) ;;
            -*) ;;
            *) verb=${verb:+$verb }$words[i]; [[ $verb == (@GROUPS@) ]] || break ;;
        esac
    done
    case $verb in
@CASES@
    esac
    word=$words[CURRENT-1]
    for i in ${=valued}; do
        if [[ $i == $word:* ]]; then
            kind=${i#*:} options=() verbs=()
        fi
    done
    [[ $words[CURRENT] == -* && -n $options ]] && kind=
    (( $#verbs )) && _describe verb verbs
    (( $#options )) && compadd -- $options
    case $kind in
        files) _files ;;
        '='*) compadd -- ${(s:,:)kind#=} ;;
        ends) _files; compadd -S '' -- ${(f)"$(_slipway_names ends)"} ;;
        ?*) compadd -- ${(f)"$(_slipway_names $kind)"} ;;
    esac
    return 0
}
_slipway "$@"
"""


def bash(verbs: Sequence[VerbEntry]) -> str:
    """Return what bash-completion loads."""
    return _filled(_BASH, verbs, _bash_case)


def zsh(verbs: Sequence[VerbEntry]) -> str:
    """Return what zsh's compinit loads."""
    return _filled(_ZSH, verbs, _zsh_case)


SHELLS: Mapping[str, Callable[[Sequence[VerbEntry]], str]] = {"bash": bash, "zsh": zsh}


def _filled(text: str, verbs: Sequence[VerbEntry], case: Callable[[VerbEntry, list[VerbEntry]], str]) -> str:
    below = {verb.words: _below(verb.words, verbs) for verb in verbs}
    groups = "|".join(words for words, found in below.items() if words and found)
    cases = "\n".join(case(verb, below[verb.words]) for verb in verbs)
    return text.replace("@GROUPS@", groups).replace("@CASES@", cases)


def _below(words: str, verbs: Sequence[VerbEntry]) -> list[VerbEntry]:
    before = words.split()
    return [verb for verb in verbs if verb.words.split()[:-1] == before and verb.words != words]


def _bash_case(verb: VerbEntry, below: list[VerbEntry]) -> str:
    words = [*(one.words.split()[-1] for one in below), *_flags(verb)]
    return (
        f"        '{verb.words}') words='{' '.join(words)}' kind='{_kind(verb)}' valued='{_valued(verb)}' ;;"
    )


def _zsh_case(verb: VerbEntry, below: list[VerbEntry]) -> str:
    told = " ".join(_quoted(f"{one.words.split()[-1]}:{one.help}") for one in below)
    flags = " ".join(_flags(verb))
    return (
        f"        '{verb.words}') options=({flags}) verbs=({told}) kind='{_kind(verb)}'"
        f" valued='{_valued(verb)}' ;;"
    )


def _quoted(text: str) -> str:
    plain = text.replace("'", "'\\''")
    return f"'{plain}'"


def _flags(verb: VerbEntry) -> list[str]:
    return [flag for flag in verb.flags if flag.startswith("--")]


def _kind(verb: VerbEntry) -> str:
    found = verb.arguments
    return _kind_of(found[0].takes, found[0].choices) if found else ""


def _kind_of(takes: str, choices: tuple[str, ...]) -> str:
    return f"={','.join(choices)}" if choices else _KINDS.get(takes, "")


def _valued(verb: VerbEntry) -> str:
    """Return ``--flag:kind`` for each option with a value; of some kinds nothing is known."""
    valued = [entry for entry in verb.entries if entry.flags and entry.takes]
    return " ".join(
        f"{flag}:{_kind_of(entry.takes, entry.choices)}" for entry in valued for flag in entry.flags
    )
