/*
 * beside: what stands beside the 100 points: predictions and quizzes, and the bonus, as
 * grader/predict/predict.py and grader/bonus/bonus.py have left them in
 * DIRECTORY/predict/labNN.json and DIRECTORY/bonus/labNN.json.
 */
#ifndef GRADER_RESULT_BESIDE_H
#define GRADER_RESULT_BESIDE_H

#include <jansson.h>

/* "lab02/predict": what its file says, for every one that is there; an empty object if
 * none has. NULL when there is no memory. */
json_t *beside_read(const char *directory);

/* The points in it, and how many there could be. */
void beside_points(const json_t *beside, int *points, int *possible);

#endif
