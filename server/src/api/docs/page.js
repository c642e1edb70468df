// Shows the calls that the OpenAPI description names, each with a form to try it.

const METHODS = ["get", "post", "patch", "put", "delete"];

/** Makes an element. Text goes in as text, so nothing in the description can become markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An example of what a schema describes; `seen` ends types that contain themselves. */
function example(schema, document_, seen = []) {
  if (!schema) return null;
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    if (seen.includes(name)) return null;
    return example(document_.components.schemas[name], document_, [...seen, name]);
  }
  if ("default" in schema) return schema.default;
  if (schema.enum) return schema.enum[0];
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives) {
    const first = alternatives.find((one) => one.type !== "null");
    return example(first, document_, seen);
  }
  if (schema.allOf) {
    return Object.assign({}, ...schema.allOf.map((part) => example(part, document_, seen)));
  }
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  switch (type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, value]) => [key, example(value, document_, seen)]),
      );
    case "array":
      return [];
    case "integer":
    case "number":
      return schema.minimum ?? 0;
    case "boolean":
      return true;
    default:
      return schema.format === "uuid" ? "00000000-0000-0000-0000-000000000000" : "";
  }
}

function field(id, label, hint, input) {
  input.id = id;
  const parts = [element("label", { for: id }, label), input];
  if (hint) {
    parts.push(element("p", { class: "hint", id: `${id}-hint` }, hint));
    input.setAttribute("aria-describedby", `${id}-hint`);
  }
  return element("div", { class: "field" }, ...parts);
}

/** Sends the call that a form describes and shows what comes back. */
async function send(method, path, inputs, body, output) {
  const query = new URLSearchParams();
  let address = path;
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") {
      address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value.trim()));
    } else if (input.value !== "") {
      query.set(parameter.name, input.value);
    }
  }
  if (query.size) address += `?${query}`;
  const headers = {};
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  output.hidden = false;
  output.textContent = "…";
  try {
    const answer = await fetch(address, {
      method: method.toUpperCase(), headers, body: body?.value, credentials: "omit",
    });
    let text = await answer.text();
    if (answer.headers.get("content-type")?.includes("json") && text) {
      text = JSON.stringify(JSON.parse(text), null, 2);
    }
    output.textContent = `${method.toUpperCase()} ${address}\n${answer.status} ${answer.statusText}\n\n${text}`;
  } catch (error) {
    output.textContent = `${method.toUpperCase()} ${address}\n${error}`;
  }
}

function call(document_, path, method, operation, shared) {
  const id = `${method}-${path}`.replace(/[^a-z0-9]+/gi, "-");
  const parameters = [...shared, ...(operation.parameters ?? [])];
  const inputs = parameters.map((parameter) => {
    const input = element("input", { spellcheck: "false", autocomplete: "off" });
    input.required = parameter.in === "path" || parameter.required === true;
    return { parameter, input };
  });
  const form = element("form", { class: "inside" });
  if (operation.description) form.append(element("p", {}, operation.description));
  for (const { parameter, input } of inputs) {
    form.append(field(`${id}-${parameter.name}`, parameter.name, parameter.description, input));
  }
  let body = null;
  const schema = operation.requestBody?.content?.["application/json"]?.schema;
  if (schema) {
    body = element("textarea", { spellcheck: "false" });
    body.value = JSON.stringify(example(schema, document_), null, 2);
    form.append(field(`${id}-body`, "Body", null, body));
  }
  const output = element("pre", { role: "status", tabindex: "0", "aria-label": "Answer" });
  output.hidden = true;
  form.append(element("button", {}, "Send"), output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(method, path, inputs, body, output);
  });
  return element(
    "details", {},
    element(
      "summary", {},
      element("span", { class: "method" }, method.toUpperCase()),
      element("span", { class: "path" }, path),
      element("span", { class: "what" }, operation.summary ?? ""),
    ),
    form,
  );
}

async function show() {
  const description = await (await fetch("/api/v1/openapi.json")).json();
  document.getElementById("about").textContent = description.info.description ?? "";
  document.getElementById("sign-in").addEventListener("submit", (event) => event.preventDefault());
  const sections = new Map();
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of METHODS.filter((method) => item[method])) {
      const operation = item[method];
      const tag = operation.tags?.[0] ?? "Other";
      if (!sections.has(tag)) sections.set(tag, element("section", {}, element("h2", {}, tag)));
      sections.get(tag).append(call(description, path, method, operation, item.parameters ?? []));
    }
  }
  document.getElementById("calls").append(...sections.values());
}

show();
