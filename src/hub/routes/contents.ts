/** Getting files out of snapshots: the bytes of one, or a folder as tar. */
import { PlaitError } from '../../core/errors.ts';
import { ROOT, showPath } from '../../core/paths.ts';
import { BYTES_TYPE, TAR_TYPE } from '../../wire/headers.ts';
import { queryPath } from '../../wire/query-path.ts';
import { StreamAnswer, started } from '../stream-answer.ts';
import { attachment } from '../trees/attachment.ts';
import { contentOf } from '../trees/content.ts';
import { folderTar, tarName } from '../trees/folder-tar.ts';
import { paced } from '../trees/paced.ts';
import { entryAt, openTree } from '../trees/tree.ts';
import type { Call, HubContext, Route } from './route.ts';
import { pathOf } from './trees.ts';

/** A length that is told and not reached is a cut, and so is a tar without its end: no failure makes half a file a whole one. */
async function file(context: HubContext, { volset, snapshot, query, signal }: Call): Promise<StreamAnswer> {
  const path = pathOf(query);
  const tree = await openTree(context, volset, snapshot);
  const entry = entryAt(tree, path);
  if (entry?.kind !== 'file') {
    const what = entry?.kind === 'symlink' ? 'a symbolic link' : 'a folder';
    throw new PlaitError('usage', `${path === ROOT ? 'the root' : showPath(path)} is ${what}`, {
      hint: 'a folder can be had as tar',
    });
  }
  return new StreamAnswer(await started(paced(contentOf(tree, entry), signal)), {
    'content-length': entry.size,
    ...attachment('file', tarName(tree, path)),
  });
}

async function tar(context: HubContext, { volset, snapshot, query, signal }: Call): Promise<StreamAnswer> {
  const path = pathOf(query);
  const tree = await openTree(context, volset, snapshot);
  entryAt(tree, path);
  const pieces = await started(paced(folderTar(tree, path), signal));
  return new StreamAnswer(pieces, attachment(path === ROOT ? 'snapshot' : 'files', tarName(tree, path), '.tar'));
}

export const contentRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/volsets/:volset/snapshots/:snapshot/file',
    summary: 'The bytes of one file',
    right: 'read',
    query: { path: queryPath },
    answer: { type: BYTES_TYPE, stream: true, description: 'as many bytes as Content-Length says, or a cut' },
    handle: file,
  },
  {
    method: 'GET',
    path: '/v1/volsets/:volset/snapshots/:snapshot/tar',
    summary: 'A folder or a file as tar, names below its own; without a path all of the snapshot',
    right: 'read',
    optionalQuery: { path: queryPath },
    answer: { type: TAR_TYPE, description: 'ends with two blocks of zeros; without them it was cut' },
    handle: tar,
  },
];
