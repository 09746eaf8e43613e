import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { someTime } from '../cli/flags.ts';

export default class Serve extends BaseCommand {
  static override summary = 'Serve a store over HTTP: a hub.';
  static override description =
    'Makes the store if there is none. Without tokens it listens on the loopback interface only, unless --no-auth says otherwise. SIGTERM ends it after requests in progress.';
  static override examples = [
    'plait serve /srv/plait',
    'plait serve /srv/plait --listen 0.0.0.0:7420 --tls-cert cert.pem --tls-key key.pem',
  ];
  static override output = 'events' as const;
  static override usesStore = false;
  static override endsBySignal = true;
  static override takesDeadline = false;
  static override args = { store: Args.string({ description: 'the store; the one in reach, unless given' }) };
  static override flags = {
    listen: Flags.string({ helpValue: '127.0.0.1:7420', summary: 'address and port; port 0 takes a free one' }),
    'tls-cert': Flags.string({ helpValue: 'FILE', summary: 'certificate chain (PEM)', dependsOn: ['tls-key'] }),
    'tls-key': Flags.string({ helpValue: 'FILE', summary: 'private key (PEM)', dependsOn: ['tls-cert'] }),
    'read-only': Flags.boolean({ summary: 'refuse everything that writes' }),
    'append-only': Flags.boolean({ summary: 'refuse what deletes or renames anything' }),
    maintain: someTime({
      helpValue: '24h',
      summary: 'free garbage and read back a part of the data so often; off unless given',
    }),
    'no-auth': Flags.boolean({ summary: 'let anybody in, on any interface' }),
    'no-ui': Flags.boolean({ summary: 'serve no page at /' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Serve);
    const { serve } = await import('../cli/serve.ts');
    await serve(
      this.context,
      {
        store: args.store,
        listen: flags.listen,
        tlsCert: flags['tls-cert'],
        tlsKey: flags['tls-key'],
        readOnly: flags['read-only'],
        appendOnly: flags['append-only'],
        noAuth: flags['no-auth'],
        ui: !flags['no-ui'],
        maintainMs: flags.maintain,
      },
      (event, text) => this.emit(event, text),
    );
    return { result: {} };
  }
}
