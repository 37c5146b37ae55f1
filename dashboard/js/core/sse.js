// Server-sent events from text chunks (the format of the HTML standard, section 9.2). Pure.

// `emit(name, data)` is called per event; comments and retry times go to `note(field, value)`.
export function parser(emit, note = () => {}) {
  let rest = '';
  let name = '';
  let data = [];
  let endedWithReturn = false;

  function line(text) {
    if (text === '') {
      if (data.length) emit(name || 'message', data.join('\n'));
      name = '';
      data = [];
      return;
    }
    const colon = text.indexOf(':');
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + (text[colon + 1] === ' ' ? 2 : 1));
    if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
    else note(field, value);
  }

  return chunk => {
    // A \r\n that falls between two chunks is one line end.
    if (endedWithReturn && chunk.startsWith('\n')) chunk = chunk.slice(1);
    endedWithReturn = chunk.endsWith('\r');
    const lines = (rest + chunk).split(/\r\n|\n|\r/);
    rest = lines.pop();
    lines.forEach(line);
  };
}
