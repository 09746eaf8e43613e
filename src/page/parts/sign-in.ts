/** Asks for the token. It is no login of a person: what it may read was decided when it was made. */
import { showText } from '../../core/paths.ts';
import { h } from '../dom.ts';

/** `given` resolves when it was taken; what it throws is shown. */
export function signIn(why: string, given: (token: string) => Promise<void>): HTMLElement {
  const field = h('input', {
    id: 'token',
    name: 'token',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': 'token-help token-error',
  });
  const problem = h('p', { id: 'token-error', class: 'hint bad', role: 'alert' });
  const button = h('button', { type: 'submit', class: 'primary' }, 'Open');
  const submit = async (): Promise<void> => {
    button.disabled = true;
    problem.textContent = '';
    try {
      await given(field.value.trim());
    } catch (error) {
      problem.textContent = showText((error as Error).message);
      field.focus();
    } finally {
      button.disabled = false;
    }
  };
  return h(
    'form',
    {
      class: 'card sign-in',
      on: {
        submit: (event) => {
          event.preventDefault();
          void submit();
        },
      },
    },
    h('h1', { tabindex: '-1' }, 'This hub asks for a token'),
    h('p', { class: 'hint' }, why),
    h('label', { for: 'token' }, 'Token'),
    field,
    h(
      'p',
      { id: 'token-help', class: 'hint' },
      'Made at the hub with ',
      h('code', null, 'plait token create --can read'),
      '. It is kept for this tab only.',
    ),
    problem,
    button,
  );
}
