import { Controller, Inject } from '@nestjs/common';
import { ROUTES } from '@ktrdr/contracts';
import { Serves } from '../http/serves.js';
import { openApiDocument, processTrainingSpecSchema, trainingSpecSchema } from './openapi-document.js';

const routes = ROUTES.documentation;
export const API_VERSION = Symbol('ApiVersion');

@Controller()
export class DocumentationController {
  private readonly document: Record<string, unknown>;
  private readonly schema = trainingSpecSchema();
  private readonly processSchema = processTrainingSpecSchema();

  constructor(@Inject(API_VERSION) version: string) {
    this.document = openApiDocument(version);
  }

  @Serves(routes.openApi)
  openApi() {
    return this.document;
  }

  @Serves(routes.trainingSpec)
  trainingSpec() {
    return this.schema;
  }

  @Serves(routes.processTrainingSpec)
  processTrainingSpec() {
    return this.processSchema;
  }
}
