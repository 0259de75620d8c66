import { enableCompileCache } from 'node:module';

// Loading TensorFlow.js is most of the start-up time; the cache of its compiled code takes away much of that.
enableCompileCache();
const { runTrainer } = await import('./trainer-child.js');
await runTrainer();
