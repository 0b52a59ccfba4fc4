// How `openapi-ts` writes the TypeScript client; see docs/contract.md.
export default {
  input: process.env.CONTRACT,
  output: { path: process.env.SDK, importFileExtension: '.js' },
  plugins: [
    '@hey-api/client-fetch',
    { name: '@hey-api/typescript', enums: 'javascript' },
    {
      name: '@hey-api/sdk',
      // `lectern.reviews.list({ path: { course_id }, query: { limit: 50 } })`
      operations: { strategy: 'single', containerName: 'Lectern', nesting: 'operationId' },
    },
  ],
};
