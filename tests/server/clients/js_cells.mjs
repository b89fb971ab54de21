// Runs one release of @huggingface/inference against servers, and prints what came of it as JSON.
//
// Arguments: the folder it is in, and, by name, what is asked of which address.

const [folder, cases] = process.argv.slice(2);
const { HfInference, InferenceClient = HfInference } = (await import(folder)).default ?? (await import(folder));

async function outcome({ url, text, labels, options }) {
  const parameters = { candidate_labels: labels, ...options };
  // Between 2.6.6 and 3.7.1 a client that is given no model asks huggingface.co for one, endpoint or not.
  const model = "facebook/bart-large-mnli";
  try {
    const client = new InferenceClient("hf_x").endpoint(url);
    return { returned: await client.zeroShotClassification({ model, inputs: text, parameters }) };
  } catch (error) {
    return { raised: [error.constructor.name, error.name], said: error.message };
  }
}

const outcomes = {};
for (const [name, test] of Object.entries(JSON.parse(cases))) {
  outcomes[name] = await outcome(test);
}
console.log(JSON.stringify(outcomes));
