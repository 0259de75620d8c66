import { Controller, Get, Header, Inject } from '@nestjs/common';
import { openApiDocument, processTrainingSpecSchema, trainingSpecSchema } from './openapi-document.js';

export const API_VERSION = Symbol('ApiVersion');

@Controller()
export class DocumentationController {
  private readonly document: Record<string, unknown>;
  private readonly schema = trainingSpecSchema();
  private readonly processSchema = processTrainingSpecSchema();

  constructor(@Inject(API_VERSION) version: string) {
    this.document = openApiDocument(version);
  }

  @Get('openapi.json')
  openApi() {
    return this.document;
  }

  @Get('schemas/training-spec.json')
  @Header('Content-Type', 'application/schema+json; charset=utf-8')
  trainingSpec() {
    return this.schema;
  }

  @Get('schemas/process-training-spec.json')
  @Header('Content-Type', 'application/schema+json; charset=utf-8')
  processTrainingSpec() {
    return this.processSchema;
  }
}
