import { Controller, Inject, Module } from '@nestjs/common';
import { ROUTES } from '@ktrdr/contracts';
import { Serves } from '../http/serves.js';
import { ServiceMetrics } from './service-metrics.js';

@Controller()
class MetricsController {
  constructor(@Inject(ServiceMetrics) private readonly metrics: ServiceMetrics) {}

  @Serves(ROUTES.health.metrics)
  render(): Promise<string> {
    return this.metrics.render();
  }
}

@Module({ controllers: [MetricsController] })
export class MetricsModule {}
