import { FollowedFile } from '../process/followed-file.js';

/**
 * The token by which a service proves who it is, as its file has it at the moment: whoever runs the installation renews it.
 * @param onTrouble is told when a changed file cannot be read
 * @throws Error when there is no such file
 */
export function followServiceToken(path: string, onTrouble: (error: Error) => void): FollowedFile<string> {
  return new FollowedFile({ path, parse: (text) => text.trim(), onTrouble });
}
