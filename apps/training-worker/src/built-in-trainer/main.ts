import { enableCompileCache } from 'node:module';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { NO_FAILPOINTS } from '@ktrdr/failpoints';

// Loading TensorFlow.js is most of the start-up time; the cache of its compiled code takes away much of that.
enableCompileCache();
const [{ rehearse }, { runTrainer }] = await Promise.all([import('@ktrdr/trainer'), import('./trainer-child.js')]);
await runTrainer({ rehearse, yieldToEventLoop: () => yieldToEventLoop(), failpoints: NO_FAILPOINTS });
