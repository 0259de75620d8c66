import { RpcError } from '@ktrdr/messaging-nats';
import type { WorkerRpc } from '../api-link/ports.js';

/** Tells when the API answers a request that this key is no worker. */
export function reportDismissal(rpc: WorkerRpc, onRefused: () => void): WorkerRpc {
  return {
    call: async (method, request, options) => {
      try {
        return await rpc.call(method, request, options);
      } catch (error) {
        if (error instanceof RpcError && (error.code === 'worker-revoked' || error.code === 'worker-unknown'))
          onRefused();
        throw error;
      }
    },
  };
}
