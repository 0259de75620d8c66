import { Controller, Get, Header, Inject, Module } from '@nestjs/common';
import { ServiceMetrics } from './service-metrics.js';

@Controller('metrics')
class MetricsController {
  constructor(@Inject(ServiceMetrics) private readonly metrics: ServiceMetrics) {}

  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  render(): Promise<string> {
    return this.metrics.render();
  }
}

@Module({ controllers: [MetricsController] })
export class MetricsModule {}
