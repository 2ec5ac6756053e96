import type { Command } from 'commander';

/** What the function that the script defines is called. */
const FUNCTION = 'admin';

/** All words that may come after a path of commands, such as `thread journal`. */
function wordsByPath(command: Command, path: readonly string[] = []): [path: string, words: string[]][] {
  const words = [
    ...command.commands.map((child) => child.name()),
    ...command.options.flatMap(({ long }) => (long === undefined ? [] : [long])),
    '--help',
  ];
  const below = command.commands.flatMap((child) => wordsByPath(child, [...path, child.name()]));
  return [[path.join(' '), words], ...below];
}

/** A script for bash, and zsh's likeness of it, that defines `admin` as the whole command, and what completes it. */
export function completionScript(program: Command, shell: 'bash' | 'zsh', root: string): string {
  const cases = wordsByPath(program).map(([path, words]) => `    '${path}') candidates='${words.join(' ')}' ;;`);
  return [
    ...(shell === 'zsh' ? ['autoload -Uz compinit bashcompinit && compinit -i && bashcompinit'] : []),
    `${FUNCTION}() { npm --prefix '${root.replaceAll("'", "'\\''")}' run --silent admin -- "$@"; }`,
    `_${FUNCTION}() {`,
    '  local typed= word candidates=',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "$word" in -*) ;; *) typed="${typed:+$typed }$word" ;; esac',
    '  done',
    '  case "$typed" in',
    ...cases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$candidates" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    `complete -o default -F _${FUNCTION} ${FUNCTION}`,
  ].join('\n');
}
