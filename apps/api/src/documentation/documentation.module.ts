import { Module } from '@nestjs/common';
import { API_VERSION, DocumentationController } from './documentation.controller.js';

@Module({
  controllers: [DocumentationController],
  providers: [{ provide: API_VERSION, useValue: '0.1.0' }],
})
export class DocumentationModule {}
